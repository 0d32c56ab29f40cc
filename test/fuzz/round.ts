/** Rounds of fuzzing: the same seed gives the same inputs. */

import fc from "fast-check";
import { mutantsOf } from "./mutants.ts";
import type { Target } from "./target.ts";

/** Of a failing input, which may be long; the seed repeats all of it. */
const MOST_SHOWN_BYTES = 4096;

/** An input for which something does not hold, made as small as is easily done. */
export interface Failure {
  readonly target: string;
  /** The seed of the round, or the name in the corpus. */
  readonly origin: number | string;
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** Plays the corpus of a target as it stands. Null where all is well. */
export async function playCorpus(target: Target): Promise<Failure | null> {
  for (const [name, input] of Object.entries(target.corpus)) {
    try {
      await target.run(Uint8Array.from(input));
    } catch (error) {
      return { target: target.name, origin: name, input, error };
    }
  }
  return null;
}

/** Plays as many inputs as the target says, all made of its corpus. Null where all is well. */
export async function playRound(target: Target, seed: number): Promise<Failure | null> {
  const property = fc.asyncProperty(mutantsOf(target), async (input) => await target.run(input));
  const details = await fc.check(property, { seed, numRuns: target.runs });
  if (!details.failed) return null;
  const [input] = details.counterexample ?? [new Uint8Array(0)];
  return { target: target.name, origin: seed, input, error: details.errorInstance };
}

/** What happened, with what input, and how to see it again. */
export function describeFailure({ target, origin, input, error }: Failure): string {
  const shown = input.subarray(0, MOST_SHOWN_BYTES);
  const rest = input.length > shown.length ? " …" : "";
  return [
    `${target}: ${error instanceof Error ? error.stack : error}`,
    `input of ${input.length} bytes, as text: ${JSON.stringify(new TextDecoder().decode(shown))}${rest}`,
    `as hex: ${hexOf(shown)}${rest}`,
    typeof origin === "number"
      ? `again: deno task fuzz --seed ${origin} ${target}`
      : `in the corpus: ${origin}`,
  ].join("\n");
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
