/** What payloads come to on the wire. */

import assert from "node:assert/strict";
import { echoFrame, ipFrame, soleStreamActor, streamActor, udpFrame } from "./frames.ts";

Deno.test("udpFrame(), echoFrame() and ipFrame() add the headers of each family", () => {
  assert.deepEqual([udpFrame("ipv4", 100), udpFrame("ipv6", 100)], [142, 162]);
  assert.deepEqual([echoFrame("ipv4", 56), echoFrame("ipv6", 56)], [98, 118]);
  assert.deepEqual([ipFrame("ipv4", 100), ipFrame("ipv6", 100)], [134, 154]);
});

Deno.test("streamActor() takes the payload for the least, and a tenth and each connection's own for the most", () => {
  const { sent, received, names } = streamActor({ pid: 1, name: "one" }, 1_000_000, 0, 2);
  assert.deepEqual(names, ["one"]);
  assert.deepEqual(sent, { least: 1_000_000, most: 1_104_096 });
  assert.deepEqual(received, { least: 0, most: 104_096 });
});

Deno.test("soleStreamActor() takes the payload for the least, and has no most", () => {
  const { sent, received } = soleStreamActor({ pid: 1, name: "one" }, 1_000_000, 5);
  assert.deepEqual([sent, received], [
    { least: 1_000_000, most: Infinity },
    { least: 5, most: Infinity },
  ]);
});
