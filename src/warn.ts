/** Warnings: what went wrong without ending the run. */

/** Is told one sentence, without a full stop. */
export type Warn = (message: string) => void;

/** Hands on the first that it is told, with what follows from it and all the others. */
export function warnOnce(warn: Warn, consequence: string): Warn {
  let hasWarned = false;
  return (message) => {
    if (!hasWarned) warn(`${message}; ${consequence}`);
    hasWarned = true;
  };
}
