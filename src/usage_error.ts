/** What is wrong with what the user asked for. */

/** The command line cannot be used. The message is one line: what was given, and what is expected. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
