/** A graph of one line: each column is an interval, the newest on the right. */

const LEVELS = "▁▂▃▄▅▆▇█";

/** Against the greatest that is shown. Nothing is blank; whatever moved shows at least a little. */
export function sparkline(amounts: readonly number[], width: number): string {
  const shown = width > 0 ? amounts.slice(-width) : [];
  const greatest = Math.max(0, ...shown.filter(Number.isFinite));
  return shown.map((amount) => level(amount, greatest)).join("").padStart(width);
}

function level(amount: number, greatest: number): string {
  if (!(amount > 0)) return " ";
  const step = Number.isFinite(amount) ? Math.ceil((amount / greatest) * LEVELS.length) : LEVELS.length;
  return LEVELS[Math.max(1, step) - 1]!;
}
