import assert from "node:assert/strict";
import { decodeFrame, isSupportedLinkType } from "../../src/decode/frame.ts";
import { Headers, Outcome } from "../../src/decode/headers.ts";
import { CORPUS, type CorpusFrame } from "./corpus.ts";
import { bytesOf, decoded, describe, describeEndingAt, wireLengthOf } from "./describe.ts";

const FRAMES: readonly (readonly [string, CorpusFrame])[] = Object.entries(CORPUS);

Deno.test("decodeFrame() reads every frame of the corpus", () => {
  for (const [name, frame] of FRAMES) assert.equal(describe(frame), frame.headers, name);
});

Deno.test("decodeFrame() calls no cut of a good frame malformed", () => {
  for (const [name, frame] of FRAMES) {
    for (let length = 0; length < bytesOf(frame.hex).length; length++) {
      assert.notEqual(decoded(frame, length).outcome, Outcome.MALFORMED, `${name} cut to ${length}`);
    }
  }
});

Deno.test("decodeFrame() calls no frame that was captured whole truncated", () => {
  for (const [name, frame] of FRAMES) {
    for (let length = 0; length <= bytesOf(frame.hex).length; length++) {
      assert.doesNotMatch(describeEndingAt(frame, length), /^truncated/, `${name} of length ${length}`);
    }
  }
});

Deno.test("decodeFrame() finds the same from 128 captured bytes as from all", () => {
  for (const [name, frame] of FRAMES) assert.equal(describe(frame, 128), frame.headers, name);
});

Deno.test("decodeFrame() calls an empty frame malformed, or truncated if it had bytes", () => {
  for (const [name, frame] of FRAMES) {
    assert.equal(decoded(frame, 0, 0).outcome, Outcome.MALFORMED, name);
    assert.equal(decoded(frame, 0).outcome, Outcome.TRUNCATED, name);
  }
});

Deno.test("decodeFrame() believes captured bytes more than a wire length below them", () => {
  assert.equal(describe(CORPUS.ethernetIpv4Udp, undefined, 0), CORPUS.ethernetIpv4Udp.headers);
});

Deno.test("decodeFrame() keeps nothing of the frame before", () => {
  const used = new Headers();
  for (const [firstName, first] of FRAMES) {
    for (const [secondName, second] of FRAMES) {
      const bytes = bytesOf(second.hex);
      for (const length of [0, 20, 40, bytes.length]) {
        const end = Math.min(length, bytes.length);
        decodeFrame(
          first.linkType,
          bytesOf(first.hex),
          0,
          bytesOf(first.hex).length,
          wireLengthOf(first),
          used,
        );
        decodeFrame(second.linkType, bytes, 0, end, wireLengthOf(second), used);
        assert.deepEqual(used, decoded(second, end), `${secondName} after ${firstName}`);
      }
    }
  }
});

Deno.test("isSupportedLinkType() is true for just those that decodeFrame() decodes", () => {
  const headers = new Headers();
  for (let linkType = -1; linkType < 400; linkType++) {
    decodeFrame(linkType, new Uint8Array(0), 0, 0, 0, headers);
    assert.equal(isSupportedLinkType(linkType), headers.outcome !== Outcome.UNSUPPORTED_LINK, `${linkType}`);
  }
});

Deno.test("decodeFrame() says of an unsupported link type just that", () => {
  assert.equal(describe({ ...CORPUS.ethernetIpv4Udp, linkType: 127 }), "unsupported-link -");
});
