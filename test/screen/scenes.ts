/** Screens to lay out: reports of any size, as they are seen with some view. */

import assert from "node:assert/strict";
import { parseOptions } from "../../src/arguments.ts";
import type { Report } from "../../src/report/report.ts";
import type { Size } from "../../src/screen/frame.ts";
import { layOut, type Scene, tableHeight } from "../../src/screen/layout.ts";
import type { Line } from "../../src/screen/line.ts";
import { Roster } from "../../src/screen/roster.ts";
import { initialView, type ScreenView, settle } from "../../src/screen/view.ts";
import { processRow, reportOf, traffic } from "../render/sample_report.ts";

/** What `nethogs` without options begins with, but for what is given. */
export function viewOf(overrides: Partial<ScreenView> = {}): ScreenView {
  const invocation = parseOptions([]);
  assert.ok(invocation.kind === "run");
  return { ...initialView(invocation.options), ...overrides };
}

/** So many processes, each with other amounts; every seventh in a container. */
export function crowd(count: number): Report {
  return reportOf({
    processes: Array.from({ length: count }, (_, i) =>
      processRow({
        pid: 1000 + i,
        name: `worker-${i}`,
        user: i % 3 === 0 ? "www-data" : "root",
        container: i % 7 === 6
          ? { id: `${i}`.padStart(12, "0"), name: `app-${i}`, runtime: "podman", pod: null, namespace: null }
          : null,
        ...traffic((count - i) * 1000, (count - i) * 50, (count - i) * 100_000, (count - i) * 2000),
      })),
  });
}

export function sceneOf(report: Report, view: ScreenView, roster = new Roster()): Scene {
  roster.note(report, view.unfolded);
  const history = { sent: [0, 1, 50, 100, 20], received: [3, 3, 0, 9, 1] };
  return { report, history, rows: roster.list(report, view), lack: null, notice: "" };
}

export function screenOf(report: Report, view: ScreenView, size: Size): Line[] {
  const scene = sceneOf(report, view);
  const keys = scene.rows.map(({ key }) => key);
  return layOut(scene, settle(view, keys, tableHeight(scene, size)), size);
}

export function textOf(line: Line): string {
  return line.map(({ text }) => text).join("");
}
