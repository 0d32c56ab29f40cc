/** What a script was asked for; what is wrong with that is said in a line, with the usage, and is the end (status 2). */

import { parseArgs, type ParseArgsConfig } from "node:util";

export function argumentsOrExit<T extends ParseArgsConfig>(
  usage: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    // Only the first sentence is of the command line; the rest is of how to escape a dash.
    exitWrongUsage((error as Error).message.split(". ")[0]!, usage);
  }
}

/** A number above 0, of that option. */
export function positiveOrExit(usage: string, option: string, text: string): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  exitWrongUsage(`--${option} ${text}: not a number above 0`, usage);
}

export function exitWrongUsage(complaint: string, usage: string): never {
  console.error(`${complaint}\nUsage: ${usage}`);
  Deno.exit(2);
}
