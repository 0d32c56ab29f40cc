import assert from "node:assert/strict";
import { blockSizeOf, findMapping, Ring, type RingOptions } from "../../src/capture/ring.ts";
import { Direction, NO_BOUNDARY } from "../../src/capture/source.ts";
import { takeFrames, type TakenFrame } from "./frames_taken.ts";

const BLOCK = 8192;
const ETHERNET: RingOptions = { isLoopback: false, isCooked: false };

interface RingFrame {
  readonly bytes: readonly number[];
  readonly nanoseconds?: number;
  readonly wireLength?: number;
  readonly isSent?: boolean;
  readonly isTagged?: boolean;
}

/** What the kernel makes of memory: struct tpacket_block_desc, struct tpacket3_hdr, struct sockaddr_ll. */
class Kernel {
  readonly memory: ArrayBuffer;
  readonly #view: DataView;
  #block = 0;
  #sequence = 1;

  constructor(blocks: number) {
    this.memory = new ArrayBuffer(blocks * BLOCK);
    this.#view = new DataView(this.memory);
    this.#open();
  }

  #open(): void {
    const at = this.#block * BLOCK;
    this.#view.setUint32(at, 2, true);
    this.#view.setUint32(at + 24, this.#sequence++, true);
  }

  get isFull(): boolean {
    return this.#view.getUint32(this.#block * BLOCK + 8, true) !== 0;
  }

  /** Fills a block, hands it over, and opens the next. */
  retire(frames: readonly RingFrame[]): void {
    const at = this.#block * BLOCK;
    let offset = 48;
    this.#view.setUint32(at + 12, frames.length, true);
    this.#view.setUint32(at + 16, offset, true);
    for (const frame of frames) offset += this.#put(at + offset, frame);
    this.#view.setUint32(at + 20, offset, true);
    this.#view.setUint32(at + 8, 1, true);
    this.#block = (this.#block + 1) * BLOCK < this.memory.byteLength ? this.#block + 1 : 0;
    if (!this.isFull) this.#open();
  }

  #put(at: number, { bytes, nanoseconds = 0, wireLength, isSent, isTagged }: RingFrame): number {
    const mac = 96;
    const next = (mac + bytes.length + 15) & ~15;
    const words = [
      next,
      1_700_000_000,
      nanoseconds,
      bytes.length,
      wireLength ?? bytes.length,
      isTagged ? 0x11 : 1,
    ];
    words.forEach((word, i) => this.#view.setUint32(at + 4 * i, word, true));
    this.#view.setUint16(at + 24, mac, true);
    // sll_protocol, sll_hatype, sll_pkttype, sll_halen, sll_addr
    this.#view.setUint16(at + 48 + 2, 0x0800);
    this.#view.setUint16(at + 48 + 8, 512, true);
    this.#view.setUint8(at + 48 + 10, isSent ? 4 : 0);
    this.#view.setUint8(at + 48 + 11, 6);
    new Uint8Array(this.memory).set([1, 2, 3, 4, 5, 6], at + 48 + 12);
    new Uint8Array(this.memory).set(bytes, at + mac);
    return next;
  }
}

function taken(ring: Ring): TakenFrame[] {
  const frames: TakenFrame[] = [];
  takeFrames(ring.take(), NO_BOUNDARY, frames);
  return frames;
}

Deno.test("Ring.take() hands over block after block, and gives each back", () => {
  const kernel = new Kernel(3);
  const ring = new Ring(kernel.memory, ETHERNET);
  assert.deepEqual(taken(ring), []);
  for (let round = 0; round < 8; round++) {
    kernel.retire([{ bytes: [round], nanoseconds: 1999 }, { bytes: [round, round], wireLength: 1500 }]);
    const frames = taken(ring);
    assert.deepEqual(frames.map(({ bytes, wireLength }) => [...bytes, wireLength]), [[round, 1], [
      round,
      round,
      1500,
    ]]);
    assert.equal(frames[0]!.timeUs, 1_700_000_000e6 + 1);
    assert.deepEqual(taken(ring), []);
    assert.equal(kernel.isFull, false);
  }
});

Deno.test("Ring.take() catches up with a kernel that has filled every block", () => {
  const kernel = new Kernel(3);
  const ring = new Ring(kernel.memory, ETHERNET);
  for (const byte of [1, 2, 3]) kernel.retire([{ bytes: [byte] }]);
  assert.equal(kernel.isFull, true);
  assert.deepEqual([1, 2, 3].map(() => [...taken(ring)[0]!.bytes]), [[1], [2], [3]]);
  assert.deepEqual(taken(ring), []);
});

Deno.test("Ring.isHalfFull holds while half of the blocks wait, wherever they begin", () => {
  const kernel = new Kernel(4);
  const ring = new Ring(kernel.memory, ETHERNET);
  assert(!ring.isHalfFull);
  // What is taken is given back with the next.
  for (let round = 0; round < 5; round++) {
    for (const isFull of [false, false, true]) {
      kernel.retire([{ bytes: [1] }]);
      if (round > 0) assert.equal(ring.isHalfFull, isFull, `round ${round}`);
    }
    for (let i = 0; i < 4; i++) ring.take();
    assert(!ring.isHalfFull);
  }
  ring.close();
  assert(!ring.isHalfFull);
});

Deno.test("Ring.take() tells which way each frame went, but not on loopback", () => {
  const frames = [{ bytes: [1], isSent: true }, { bytes: [2] }];
  const directionsOf = (options: RingOptions): Direction[] => {
    const kernel = new Kernel(2);
    const ring = new Ring(kernel.memory, options);
    kernel.retire(frames);
    const directions: Direction[] = [];
    for (const batch = ring.take(); batch.frames > 0; batch.advance()) directions.push(batch.direction);
    return directions;
  };
  assert.deepEqual(directionsOf(ETHERNET), [Direction.SENT, Direction.RECEIVED]);
  assert.deepEqual(directionsOf({ ...ETHERNET, isLoopback: true }), [Direction.UNKNOWN, Direction.UNKNOWN]);
});

Deno.test("Ring.take() counts the VLAN tag that the kernel took out", () => {
  const kernel = new Kernel(2);
  kernel.retire([{ bytes: [1], wireLength: 100, isTagged: true }, { bytes: [2], wireLength: 100 }]);
  assert.deepEqual(taken(new Ring(kernel.memory, ETHERNET)).map(({ wireLength }) => wireLength), [104, 100]);
});

Deno.test("Ring.take() gives cooked frames the header that libpcap would", () => {
  const kernel = new Kernel(2);
  kernel.retire([{ bytes: [0x45], wireLength: 84, isSent: true }]);
  const [frame] = taken(new Ring(kernel.memory, { isLoopback: false, isCooked: true }));
  assert.deepEqual([...frame!.bytes], [0, 4, 2, 0, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0, 0x45]);
  assert.equal(frame!.wireLength, 100);
});

Deno.test("Ring: the rest of a batch holds when its block is filled anew", () => {
  const kernel = new Kernel(2);
  const ring = new Ring(kernel.memory, ETHERNET);
  kernel.retire([{ bytes: [1] }, { bytes: [2], isSent: true }, { bytes: [3] }]);
  const batch = ring.take();
  batch.advance();
  const rest = batch.rest();
  assert.equal(ring.take().frames, 0);
  kernel.retire([{ bytes: [9] }]);
  kernel.retire([{ bytes: [9] }, { bytes: [9] }]);
  const frames: TakenFrame[] = [];
  assert.equal(rest.direction, Direction.SENT);
  takeFrames(rest, NO_BOUNDARY, frames);
  assert.deepEqual(frames.map(({ bytes }) => [...bytes]), [[2], [3]]);
});

Deno.test("Ring.close() leaves nothing to read", () => {
  const kernel = new Kernel(2);
  const ring = new Ring(kernel.memory, ETHERNET);
  kernel.retire([{ bytes: [1] }]);
  const batch = ring.take();
  ring.close();
  assert.deepEqual([batch.frames, batch.bytes.length, ring.take().frames], [0, 0, 0]);
});

Deno.test("blockSizeOf() is where the block of the next number begins, whatever frames look like", () => {
  const kernel = new Kernel(4);
  // What would pass for the beginning of a block, but for the place: the first ends behind it.
  const lure = new Array(5000).fill(0);
  lure[4096 - 48 - 96] = 2;
  lure[4096 - 48 - 96 + 24] = 2;
  kernel.retire([{ bytes: lure }]);
  assert.equal(blockSizeOf(new Uint32Array(kernel.memory), kernel.memory.byteLength), BLOCK);
  const single = new Kernel(1);
  single.retire([{ bytes: [1] }]);
  assert.equal(blockSizeOf(new Uint32Array(single.memory), single.memory.byteLength), BLOCK);
});

Deno.test("findMapping() finds where a file is mapped", () => {
  const maps = [
    "55d0c0a00000-55d0c0a21000 rw-p 00000000 00:00 0                          [heap]",
    "7f3a8c000000-7f3a8d000000 rw-s 00000000 00:08 123456                     socket:[123456]",
    "7f3a8e000000-7f3a8e001000 rw-s 00000000 00:08 1234567                    socket:[1234567]",
  ].join("\n");
  assert.deepEqual(findMapping(maps, "socket:[123456]"), { start: 0x7f3a8c000000n, size: 16 << 20 });
  assert.equal(findMapping(maps, "socket:[12345]"), null);
});
