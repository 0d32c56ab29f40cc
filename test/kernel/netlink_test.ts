import assert from "node:assert/strict";
import fc from "fast-check";
import { KernelError } from "../../src/kernel/files.ts";
import {
  forEachAttribute,
  NETLINK_ROUTE,
  netlinkRequest,
  NetlinkSocket,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_HDRLEN,
} from "../../src/kernel/netlink.ts";

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
/** No message type of rtnetlink(7) is as high. */
const RTM_UNKNOWN = 0x7ffe;
const IFINFOMSG_SIZE = 16;

type Attribute = [type: number, start: number, length: number];

function attributesOf(bytes: Uint8Array, start = 0, end = bytes.length): Attribute[] {
  const found: Attribute[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  forEachAttribute(view, start, end, (...attribute) => found.push(attribute));
  return found;
}

Deno.test("forEachAttribute() hands over one attribute after another, each begun at four bytes", () => {
  const bytes = Uint8Array.of(
    ...[5, 0, 1, 0, 0xaa, 0, 0, 0],
    ...[4, 0, 2, 0],
    ...[8, 0, 3, 0, 1, 2, 3, 4],
  );
  assert.deepEqual(attributesOf(bytes), [[1, 4, 1], [2, 12, 0], [3, 16, 4]]);
});

Deno.test("forEachAttribute() takes the flags off the type", () => {
  // NLA_F_NESTED and NLA_F_NET_BYTEORDER: linux/netlink.h
  assert.deepEqual(attributesOf(Uint8Array.of(4, 0, 5, 0x80)), [[5, 4, 0]]);
  assert.deepEqual(attributesOf(Uint8Array.of(4, 0, 5, 0x40)), [[5, 4, 0]]);
});

Deno.test("forEachAttribute() needs no padding behind the last attribute", () => {
  assert.deepEqual(attributesOf(Uint8Array.of(5, 0, 1, 0, 9)), [[1, 4, 1]]);
});

Deno.test("forEachAttribute() stops at the first attribute that does not fit", () => {
  const good = [4, 0, 1, 0];
  assert.deepEqual(attributesOf(Uint8Array.of(...good, 9, 0, 2, 0, 1, 1, 1, 1)), [[1, 4, 0]]);
  assert.deepEqual(attributesOf(Uint8Array.of(...good, 0, 0, 0, 0, ...good)), [[1, 4, 0]]);
  assert.deepEqual(attributesOf(Uint8Array.of(...good, 3, 0, 2, 0, ...good)), [[1, 4, 0]]);
  assert.deepEqual(attributesOf(Uint8Array.of(...good, 4, 0, 2)), [[1, 4, 0]]);
  assert.deepEqual(attributesOf(Uint8Array.of()), []);
});

Deno.test("forEachAttribute() ends within its bounds, whatever the bytes say", () => {
  const smallLength = fc.constantFrom(0, 1, 3, 4, 5, 7, 8, 12, 255);
  const hostile = fc.array(fc.oneof(smallLength, fc.nat(255)), { maxLength: 64 });
  fc.assert(
    fc.property(hostile, fc.nat(64), fc.nat(64), (values, a, b) => {
      const bytes = Uint8Array.from(values);
      const start = Math.min(a, bytes.length);
      const end = Math.min(bytes.length, start + b);
      const found = attributesOf(bytes, start, end);
      assert(found.length <= (end - start) / 4);
      let last = start;
      for (const [, at, length] of found) {
        assert(at >= last + 4 && length >= 0 && at + length <= end);
        last = at + length;
      }
    }),
    { seed: 1, numRuns: 5000 },
  );
});

Deno.test("netlinkRequest() fills in the header and leaves the rest zero", () => {
  const request = netlinkRequest(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, IFINFOMSG_SIZE);
  assert.deepEqual([...request.subarray(0, 8)], [32, 0, 0, 0, RTM_GETLINK, 0, 0x01, 0x03]);
  assert.equal(request.length, NLMSG_HDRLEN + IFINFOMSG_SIZE);
  assert(request.subarray(8).every((byte) => byte === 0));
});

Deno.test("NetlinkSocket.dump() hands over every message of an answer", () => {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const indexes: number[] = [];
    const request = netlinkRequest(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, IFINFOMSG_SIZE);
    socket.dump(request, (type, start, end) => {
      assert.equal(type, RTM_NEWLINK);
      assert(end - start > IFINFOMSG_SIZE);
      indexes.push(socket.view.getInt32(start + 4, true));
    });
    assert(indexes.includes(1), "loopback has the index 1 in every network namespace");
    assert.equal(new Set(indexes).size, indexes.length);
  } finally {
    socket.close();
  }
});

Deno.test("NetlinkSocket.dump() throws the error that the kernel answers with", () => {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const request = netlinkRequest(RTM_UNKNOWN, NLM_F_REQUEST | NLM_F_DUMP, IFINFOMSG_SIZE);
    assert.throws(
      () => socket.dump(request, () => assert.fail("a message")),
      (error) => error instanceof KernelError && /^Cannot list by netlink: /.test(error.message),
    );
  } finally {
    socket.close();
  }
});

Deno.test("NetlinkSocket.receive() does not wait where there is nothing", () => {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    assert.equal(socket.receive(), 0);
  } finally {
    socket.close();
  }
});

Deno.test("NetlinkSocket says that there is no such protocol", () => {
  // MAX_LINKS, linux/netlink.h
  assert.throws(
    () => new NetlinkSocket(32),
    (error) => error instanceof KernelError && error.message.startsWith("Cannot open a netlink socket: "),
  );
});
