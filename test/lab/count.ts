/** The number of times that an option asks for. Throws what is wrong with it. */
export function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new Error(`--${option} takes a number of 1 or more, not "${text}"`);
}
