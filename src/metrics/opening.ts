/** Whether a run has metrics, and for whom. */

import { environmentVariable } from "../kernel/host.ts";
import type { Options } from "../options.ts";
import { UsageError } from "../usage_error.ts";
import type { Warn } from "../warn.ts";
import { wantsOtlp } from "./otlp_environment.ts";
import type { MetricsService } from "./service.ts";

/** What Deno exports of one instrument; beyond it there would be one that is not their sum. */
const OTLP_SERIES = 2000;

/** Of Deno and of this program. */
export interface Versions {
  readonly version: string;
  readonly denoVersion: string;
}

/** OpenTelemetry is Deno's own, and it is Deno that is told so, in the environment. */
export function exportsOtlp(warn: Warn): boolean {
  if (!wantsOtlp(environmentVariable)) return false;
  // Deno decides it when the executable is made.
  if (Deno.build.standalone) {
    warn("An executable cannot export by OpenTelemetry: run from the sources for that");
  }
  return !Deno.build.standalone;
}

/** Null where nobody wants any. Throws `UsageError`, `ServeError`. */
export async function openMetrics(
  options: Options,
  withOtlp: boolean,
  versions: Versions,
): Promise<MetricsService | null> {
  const { listen, labels, top } = options;
  if (listen === null && !withOtlp) {
    if (labels === null && top === null) return null;
    const given = labels === null ? "--top" : "--labels";
    throw new UsageError(`Cannot use ${given} without --listen: it is about metrics`);
  }
  if (withOtlp && (top ?? 0) >= OTLP_SERIES) {
    throw new UsageError(
      `Cannot use --top ${top} with OpenTelemetry: it keeps fewer than ${OTLP_SERIES} series apart`,
    );
  }
  const { MetricsService } = await import("./service.ts");
  return await MetricsService.open({ ...options, ...versions, withOtlp });
}
