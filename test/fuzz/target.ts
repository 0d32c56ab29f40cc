/** What is fuzzed. */

/** Something that takes bytes from outside, inputs that mean something to it, and what holds whatever it is given. */
export interface Target {
  readonly name: string;
  /** By what they are. Whatever broke something once stays here. */
  readonly corpus: Readonly<Record<string, Uint8Array>>;
  /** Pieces that mean something to this target, beside those of every target. */
  readonly words?: readonly string[];
  /** Inputs in a round, of which the gate plays one. */
  readonly runs: number;
  /** Throws where something does not hold. */
  readonly run: (input: Uint8Array<ArrayBuffer>) => void | Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A target that takes text, read as files are: bytes that are not UTF-8 become U+FFFD. */
export function textTarget(
  { corpus, run, ...rest }: Omit<Target, "corpus" | "run"> & {
    readonly corpus: Readonly<Record<string, string>>;
    readonly run: (text: string) => void | Promise<void>;
  },
): Target {
  return {
    ...rest,
    corpus: Object.fromEntries(Object.entries(corpus).map(([name, text]) => [name, encoder.encode(text)])),
    run: (input) => run(decoder.decode(input)),
  };
}
