/** Inputs that are nearly right: those of a corpus, cut, flipped, spliced and stuffed. */

import fc from "fast-check";
import type { Target } from "./target.ts";

/** No input grows beyond it, however often a stretch of it is repeated. */
const LONGEST = 256 << 10;
/** Of what is taken out or repeated. */
const LONGEST_STRETCH = 64;
const MOST_REPEATS = 300;

type Edit = (input: Uint8Array) => Uint8Array;

/** A place in an input of any length: this part of the way from its beginning to its end. */
const anyPlace = fc.nat(0xffff).map((part) => (length: number) =>
  Math.floor((part * (length + 1)) / 0x10000)
);
const anyStretch = fc.integer({ min: 1, max: LONGEST_STRETCH });

/** Numbers at the edges of their sizes, in either byte order, and small ones. */
const NUMBERS = [
  ...[0, 1, 2, 3, 4, 8, 16, 0x7f, 0x80, 0xff].map((value) => Uint8Array.of(value)),
  ...[0, 1, 0x7fff, 0x8000, 0xffff].flatMap((value) => bothOrders(2, value)),
  ...[0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff].flatMap((value) => bothOrders(4, value)),
];

function bothOrders(size: number, value: number): Uint8Array[] {
  const bytes = Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
  return [Uint8Array.from(bytes), Uint8Array.from(bytes.reverse())];
}

/** What separates, ends, is no number or too large a one, acts on a terminal, or is no UTF-8. */
const TEXTS = [
  ...["\n", "\r\n", "\0", " ", "\t", ":", "/", ",", '"', "\\", "=", "-", "(", ")", "[", "]", "{", "}"],
  ...["0", "-1", "4294967296", "9007199254740993", "1e999", "NaN", "__proto__", "9".repeat(400)],
  ...["\x1b[2J", "\x7f", "\u009b", "\u202e", "\u2028", "\ufeff", "é", "日本", "👩‍👧"],
].map((text) => new TextEncoder().encode(text));
const NO_UTF8 = [Uint8Array.of(0xc3), Uint8Array.of(0xed, 0xa0, 0x80), Uint8Array.of(0xf8, 0x88)];

/** Any input of a target: one of its corpus, edited a few times. */
export function mutantsOf({ corpus, words = [] }: Target): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const seeds = Object.values(corpus);
  const edits = fc.array(anyEdit(seeds, words.map((word) => new TextEncoder().encode(word))), {
    maxLength: 6,
  });
  return fc.tuple(fc.constantFrom(...seeds), edits).map(([seed, edits]) =>
    Uint8Array.from(edits.reduce((input, edit) => edit(input).subarray(0, LONGEST), seed))
  );
}

function anyEdit(seeds: readonly Uint8Array[], words: readonly Uint8Array[]): fc.Arbitrary<Edit> {
  const common = [...NUMBERS, ...TEXTS, ...NO_UTF8];
  const anyWord = words.length === 0
    ? fc.constantFrom(...common)
    : fc.oneof(fc.constantFrom(...common), fc.constantFrom(...words));
  const oneBit = fc.nat(7).map((bit) => 1 << bit);
  return fc.oneof(
    { weight: 1, arbitrary: anyPlace.map(cut) },
    {
      weight: 1,
      arbitrary: fc.tuple(anyPlace, anyStretch).map(([place, length]) => leaveOut(place, length)),
    },
    { weight: 3, arbitrary: fc.tuple(anyPlace, oneBit).map(([place, bits]) => flip(place, bits)) },
    { weight: 3, arbitrary: fc.tuple(anyPlace, anyWord).map(([place, word]) => overwrite(place, word)) },
    { weight: 2, arbitrary: fc.tuple(anyPlace, anyWord).map(([place, word]) => insert(place, word)) },
    {
      weight: 1,
      arbitrary: fc.tuple(anyPlace, anyStretch, fc.integer({ min: 2, max: MOST_REPEATS }))
        .map(([place, length, times]) => repeat(place, length, times)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(anyPlace, fc.constantFrom(...seeds), anyPlace)
        .map(([place, other, otherPlace]) => splice(place, other, otherPlace)),
    },
  );
}

type Place = (length: number) => number;

function cut(place: Place): Edit {
  return (input) => input.subarray(0, place(input.length));
}

function leaveOut(place: Place, length: number): Edit {
  return (input) => {
    const at = place(input.length);
    return joined(input.subarray(0, at), input.subarray(at + length));
  };
}

function flip(place: Place, bits: number): Edit {
  return (input) => {
    const at = place(input.length);
    return input.map((byte, i) => i === at ? byte ^ bits : byte);
  };
}

function overwrite(place: Place, word: Uint8Array): Edit {
  return (input) => {
    const at = place(input.length);
    return joined(input.subarray(0, at), word, input.subarray(at + word.length));
  };
}

function insert(place: Place, word: Uint8Array): Edit {
  return (input) => {
    const at = place(input.length);
    return joined(input.subarray(0, at), word, input.subarray(at));
  };
}

function repeat(place: Place, length: number, times: number): Edit {
  return (input) => {
    const at = place(input.length);
    const stretch = input.subarray(at, at + length);
    return joined(
      input.subarray(0, at),
      ...Array<Uint8Array>(times).fill(stretch),
      input.subarray(at + length),
    );
  };
}

/** The head of one input with the tail of another. */
function splice(place: Place, other: Uint8Array, otherPlace: Place): Edit {
  return (input) => joined(input.subarray(0, place(input.length)), other.subarray(otherPlace(other.length)));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
