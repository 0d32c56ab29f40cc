/** Which output shows the reports. */

import type { Report } from "../report/report.ts";
import type { RenderOptions } from "./rows.ts";

export interface Renderer {
  /** What comes before the first report; empty for most outputs. */
  header(): string;
  /** The report as text, complete lines. */
  report(report: Report): string;
}

/** Asynchronous because it loads the module of the one output that is asked for. */
export async function createRenderer(options: RenderOptions): Promise<Renderer> {
  switch (options.output) {
    case "text": {
      const { renderTrace } = await import("./trace.ts");
      return { header: () => "", report: (report) => renderTrace(report, options) };
    }
    case "json": {
      const { renderJson } = await import("./json.ts");
      return { header: () => "", report: (report) => renderJson(report, options) };
    }
    case "csv": {
      const { csvHeader, renderCsv } = await import("./csv.ts");
      return { header: () => csvHeader(options), report: (report) => renderCsv(report, options) };
    }
    case "classic": {
      const { renderClassic } = await import("./classic.ts");
      return { header: () => "", report: (report) => renderClassic(report, options) };
    }
  }
}
