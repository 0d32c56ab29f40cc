import fc from "fast-check";
import assert from "node:assert/strict";
import { decodeFrame, isSupportedLinkType } from "../../src/decode/frame.ts";
import { Fragment, Headers, LINK_PROTOCOL_UNKNOWN, Outcome } from "../../src/decode/headers.ts";
import { CORPUS, type CorpusFrame } from "./corpus.ts";
import { bytesOf, wireLengthOf } from "./describe.ts";

/** Fixed, so that a run that passes here passes everywhere. */
const RUNS = { seed: 1981, numRuns: 5_000 } as const;

interface DamagedFrame {
  readonly linkType: number;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

const FRAMES: readonly CorpusFrame[] = Object.values(CORPUS);
const LINK_TYPES = [...new Set(FRAMES.map((frame) => frame.linkType)), 12, 14, 127];

const anyFrame = fc.constantFrom(...FRAMES);
const anyFlip = fc.record({ at: fc.nat({ max: 127 }), value: fc.nat({ max: 255 }) });

/** The head of one frame with the tail of another, some bytes changed, cut somewhere, on its link or another. */
const anyDamagedFrame: fc.Arbitrary<DamagedFrame> = fc.record({
  head: anyFrame,
  tail: anyFrame,
  headLength: fc.nat({ max: 120 }),
  tailStart: fc.nat({ max: 60 }),
  flips: fc.array(anyFlip, { maxLength: 4 }),
  captured: fc.oneof(fc.constant(Infinity), fc.nat({ max: 100 })),
  missing: fc.oneof(fc.constant(0), fc.integer({ min: -20, max: 70_000 }), fc.constant(0xffffffff)),
  otherLinkType: fc.option(fc.constantFrom(...LINK_TYPES), { freq: 3 }),
}).map(({ head, tail, headLength, tailStart, flips, captured, missing, otherLinkType }) => {
  const spliced = [...bytesOf(head.hex).subarray(0, headLength), ...bytesOf(tail.hex).subarray(tailStart)];
  for (const { at, value } of flips) if (at < spliced.length) spliced[at] = value;
  const bytes = Uint8Array.from(spliced.slice(0, captured));
  return { linkType: otherLinkType ?? head.linkType, bytes, wireLength: Math.max(0, bytes.length + missing) };
});

/** Decodes a frame that lies between other bytes, all of them `around`. */
function decodedAmong(around: number, frame: DamagedFrame): Headers {
  const margin = 256;
  const buffer = new Uint8Array(frame.bytes.length + 2 * margin).fill(around);
  buffer.set(frame.bytes, margin);
  const headers = new Headers();
  decodeFrame(frame.linkType, buffer, margin, margin + frame.bytes.length, frame.wireLength, headers);
  return headers;
}

function assertInteger(value: number, min: number, max: number, field: string): void {
  assert.ok(Number.isInteger(value) && value >= min && value <= max, `${field} is ${value}`);
}

function assertFieldsInRange(headers: Headers): void {
  assertInteger(headers.outcome, 0, 4, "outcome");
  assertInteger(headers.direction, 0, 2, "direction");
  assertInteger(headers.linkProtocol, LINK_PROTOCOL_UNKNOWN, 0xffff, "linkProtocol");
  assert.ok([0, 4, 6].includes(headers.ipVersion), `ipVersion is ${headers.ipVersion}`);
  assertInteger(headers.ipProtocol, 0, 255, "ipProtocol");
  assertInteger(headers.sourcePort, 0, 0xffff, "sourcePort");
  assertInteger(headers.destinationPort, 0, 0xffff, "destinationPort");
  assertInteger(headers.fragment, 0, 2, "fragment");
  assertInteger(headers.fragmentId, -0x80000000, 0x7fffffff, "fragmentId");
  assertInteger(headers.tcpFlags, 0, 255, "tcpFlags");
}

function assertFieldsAgree(headers: Headers): void {
  const words = [...headers.source, ...headers.destination];
  if (headers.outcome === Outcome.IP) assert.notEqual(headers.ipVersion, 0);
  if (headers.outcome === Outcome.NOT_IP) assert.equal(headers.ipVersion, 0);
  if (headers.ipVersion === 0) assert.ok(words.every((word) => word === 0) && headers.ipProtocol === 0);
  if (headers.ipVersion === 4) assert.deepEqual(words.slice(0, 3), [0, 0, 0xffff]);
  if (headers.fragment === Fragment.LATER) assert.equal(headers.sourcePort + headers.destinationPort, 0);
  if (headers.ipProtocol !== 6) assert.equal(headers.tcpFlags, 0);
}

Deno.test("decodeFrame() never throws and leaves every field in its range whatever the bytes", () => {
  fc.assert(
    fc.property(anyDamagedFrame, (frame) => {
      const headers = decodedAmong(0, frame);
      assertFieldsInRange(headers);
      assertFieldsAgree(headers);
      assert.equal(headers.outcome !== Outcome.UNSUPPORTED_LINK, isSupportedLinkType(frame.linkType));
    }),
    RUNS,
  );
});

Deno.test("decodeFrame() reads nothing of the bytes around a frame", () => {
  fc.assert(
    fc.property(anyDamagedFrame, (frame) => {
      assert.deepEqual(decodedAmong(0x00, frame), decodedAmong(0xff, frame));
    }),
    RUNS,
  );
});

Deno.test("decodeFrame() reads nothing of the bytes around any cut of the corpus", () => {
  for (const frame of FRAMES) {
    const bytes = bytesOf(frame.hex);
    for (let length = 0; length <= bytes.length; length++) {
      for (const wireLength of [length, length + 1, wireLengthOf(frame)]) {
        const cut = { linkType: frame.linkType, bytes: bytes.subarray(0, length), wireLength };
        assert.deepEqual(decodedAmong(0x00, cut), decodedAmong(0xff, cut));
      }
    }
  }
});
