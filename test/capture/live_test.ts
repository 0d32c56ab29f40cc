import assert from "node:assert/strict";
import { freeSlot } from "../../src/capture/live.ts";
import { ethernetLink } from "../flow/links.ts";

Deno.test("freeSlot() is that of a link that is forgotten, else the next", () => {
  const links = [0, 1, 2].map((slot) => ethernetLink(slot));
  assert.equal(freeSlot([]), 0);
  assert.equal(freeSlot(links), 3);
  links[1]!.isClosed = true;
  assert.equal(freeSlot(links), 3, "conversations may still lead to it");
  links[1]!.isForgotten = true;
  assert.equal(freeSlot(links), 1);
});
