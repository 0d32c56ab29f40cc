/** Lengths of time as they are written on a command line. */

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** For messages that say what is expected. */
export const DURATION_EXAMPLES = "10s, 5m, 1.5h or 1d";

/** "10s", "5m", "1.5h" or "1d" in milliseconds; undefined where the text is none, or no time at all. */
export function parseDurationMs(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text) ?? [];
  const unitMs = UNITS_MS[unit?.toLowerCase() ?? ""];
  if (unitMs === undefined) return undefined;
  const durationMs = Number(amount) * unitMs;
  return durationMs > 0 && Number.isSafeInteger(Math.ceil(durationMs)) ? durationMs : undefined;
}
