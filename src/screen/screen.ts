/**
 * The live screen while it runs: reports and keys come in, frames go out. A key is answered at once, from the latest
 * report.
 */

import type { Options } from "../options.ts";
import { amountsOf } from "../render/rows.ts";
import type { Report } from "../report/report.ts";
import { changes, drawFrame, type Frame } from "./frame.ts";
import type { History } from "./header.ts";
import type { Key } from "./keys.ts";
import { layOut, type Scene, tableHeight, waiting } from "./layout.ts";
import type { Palette } from "./palette.ts";
import { type Field, press } from "./press.ts";
import { Roster } from "./roster.ts";
import type { Terminal } from "./terminal.ts";
import { initialView, type ScreenView, settle } from "./view.ts";

/** What keys ask of the run. */
export interface Controls {
  /** The latest report and those that follow, by another key. */
  regroup(report: Report, by: Report["by"]): Report;
  /** Why the latest report has no rows by its key, in one sentence; null where it has. */
  lackOf(report: Report): string | null;
  setDelay(delayMs: number): void;
  /** A file waits meanwhile; interfaces cannot. */
  hold(isHeld: boolean): void;
  /** One last report, and no more. */
  stop(): void;
}

/** A report, and how it came to it. */
interface Moment {
  readonly report: Report;
  readonly history: History;
}

/** Intervals that the graph remembers: more than the widest terminal has columns. */
const LONGEST_HISTORY = 1024;
/** Reports for which something that was said stays. */
const NOTICE_LINGERS = 10;

/** Where a row is opened that has none. */
const NO_CONNECTIONS = "This record has no connections: nethogs -o json --connections records them";

export class Screen {
  readonly #terminal: Terminal;
  readonly #palette: Palette;
  readonly #controls: Controls;
  readonly #roster = new Roster();
  #view: ScreenView;
  /** The latest there is, and what is shown: not the same while it is paused. */
  #latest: Moment | null = null;
  #shown: Moment | null = null;
  #notice = "";
  #noticeAge = 0;
  /** What the terminal shows; null where all of it is to be drawn. */
  #frame: Frame | null = null;
  /** A frame is being written; another follows when things have changed meanwhile. */
  #writing: Promise<void> | null = null;
  #isStale = false;
  #isQuitting = false;
  readonly #end = Promise.withResolvers<void>();

  constructor(terminal: Terminal, palette: Palette, options: Options, controls: Controls) {
    this.#terminal = terminal;
    this.#palette = palette;
    this.#controls = controls;
    this.#view = initialView(options);
  }

  /**
   * Shows reports until there are no more; with `stays`, the last one until the user has seen enough. Throws what went
   * wrong with the terminal.
   */
  async run(reports: AsyncIterable<Report>, stays: boolean): Promise<void> {
    this.#terminal.onResize(() => this.#draw());
    this.#terminal.onReturn(() => this.#drawWhole());
    this.#draw();
    this.#takeKeys().catch((error) => this.#fail(error));
    try {
      for await (const report of reports) this.#show(report);
      if (!stays) this.quit();
      else if (!this.#isQuitting) this.say("The file ends here; q quits");
      await this.#end.promise;
    } finally {
      // What is under way must not come after what its owner writes to leave the terminal as it was.
      this.#isQuitting = true;
      await this.#writing;
    }
  }

  /** What the user should know, in one sentence. */
  say(notice: string): void {
    this.#notice = notice;
    this.#noticeAge = 0;
    this.#draw();
  }

  /** The run ends, whatever is still to come. */
  quit(): void {
    this.#isQuitting = true;
    this.#end.resolve();
    this.#controls.stop();
  }

  #fail(error: unknown): void {
    this.#end.reject(error);
    this.quit();
  }

  #show(latest: Report): void {
    // The key may have been pressed while it was made.
    const { by } = this.#view;
    const report = latest.by === by ? latest : this.#controls.regroup(latest, by);
    const { sent, received } = amountsOf(report.total, "rate", report.intervalS);
    const before = this.#latest?.history ?? { sent: [], received: [] };
    const history = {
      sent: [...before.sent.slice(1 - LONGEST_HISTORY), sent],
      received: [...before.received.slice(1 - LONGEST_HISTORY), received],
    };
    this.#latest = { report, history };
    if (++this.#noticeAge > NOTICE_LINGERS) this.#notice = "";
    if (this.#view.isPaused) return;
    this.#showLatest();
    this.#draw();
  }

  #showLatest(): void {
    this.#shown = this.#latest;
    if (this.#shown !== null) this.#roster.note(this.#shown.report, this.#view.unfolded);
  }

  /** The terminal is closed when there are none any more. */
  async #takeKeys(): Promise<void> {
    for await (const key of this.#terminal.keys()) this.#take(key);
    this.quit();
  }

  #take(key: Key): void {
    if (isNamed(key, "ctrl-l")) return this.#drawWhole();
    if (isNamed(key, "ctrl-c") || (!this.#view.isTyping && key.kind === "text" && key.text === "q")) {
      return this.quit();
    }
    this.#notice = "";
    const [before, after] = [this.#view, press(this.#view, key, this.#field())];
    this.#view = after;
    if (after.delayMs !== null && after.delayMs !== before.delayMs) this.#controls.setDelay(after.delayMs);
    if (after.isPaused !== before.isPaused) this.#controls.hold(after.isPaused);
    if (before.isPaused && !after.isPaused) this.#showLatest();
    if (after.by !== before.by) this.#regroup(after.by);
    if (after.unfolded.size > before.unfolded.size && this.#lacksConnections()) this.say(NO_CONNECTIONS);
    this.#draw();
  }

  /** Of the row at the cursor. */
  #lacksConnections(): boolean {
    const selected = this.#scene()?.rows.find(({ key }) => key === this.#view.cursor?.key);
    return selected !== undefined && selected.kind !== "flow" && selected.row.flows === null;
  }

  #regroup(by: Report["by"]): void {
    if (this.#latest === null) return;
    this.#latest = { ...this.#latest, report: this.#controls.regroup(this.#latest.report, by) };
    this.#shown = this.#latest;
  }

  #field(): Field {
    const scene = this.#scene();
    if (scene === null) return { keys: [], height: 1 };
    return {
      keys: scene.rows.map(({ key }) => key),
      height: tableHeight(scene, this.#terminal.size()),
    };
  }

  #scene(): Scene | null {
    if (this.#shown === null) return null;
    const { report } = this.#shown;
    const lack = this.#controls.lackOf(report);
    const rows = lack === null ? this.#roster.list(report, this.#view) : [];
    return { ...this.#shown, rows, lack, notice: this.#notice };
  }

  #drawWhole(): void {
    this.#frame = null;
    this.#draw();
  }

  #draw(): void {
    this.#isStale = true;
    this.#writing ??= this.#write()
      .catch((error) => this.#fail(error))
      .finally(() => this.#writing = null);
  }

  /** One write for each frame; what changes while the terminal is slow is drawn together. */
  async #write(): Promise<void> {
    while (this.#isStale && !this.#isQuitting) {
      this.#isStale = false;
      const text = this.#nextFrame();
      if (text !== "") await this.#terminal.write(text);
    }
  }

  #nextFrame(): string {
    const size = this.#terminal.size();
    const scene = this.#scene();
    if (scene !== null) {
      const keys = scene.rows.map(({ key }) => key);
      this.#view = settle(this.#view, keys, tableHeight(scene, size));
    }
    const lines = scene === null ? waiting(this.#view, size) : layOut(scene, this.#view, size);
    const frame = drawFrame(lines, size);
    const text = changes(this.#frame, frame, this.#palette);
    this.#frame = frame;
    return text;
  }
}

function isNamed(key: Key, name: string): boolean {
  return key.kind !== "text" && key.name === name;
}
