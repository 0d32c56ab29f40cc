import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { libc, POLLIN } from "../../ffi/libc.ts";
import { CaptureError, type CaptureErrorKind } from "../../src/capture/errors.ts";
import { type LiveOptions, PacketBuffer, PcapHandle } from "../../src/capture/pcap.ts";
import { NO_BOUNDARY } from "../../src/capture/source.ts";
import { type FileFrame, pcapFile, withFile } from "./capture_file.ts";
import { takeFrames, type TakenFrame } from "./frames_taken.ts";

const isRoot = Deno.uid() === 0;

const LIVE: LiveOptions = {
  snapshotLength: 128,
  promiscuous: false,
  ringBytes: 1 << 20,
  retireMs: 10,
  filter: null,
  isLoopback: true,
};

function frame(length: number, fill: number): FileFrame {
  return { seconds: 1, fraction: fill, bytes: new Uint8Array(length).fill(fill) };
}

function withHandle<T>(content: Uint8Array, use: (handle: PcapHandle) => T): Promise<T> {
  return withFile(content, (path) => {
    const handle = PcapHandle.openFile(path, null);
    try {
      return use(handle);
    } finally {
      handle.close();
    }
  });
}

function isCaptureError(kind: CaptureErrorKind, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof CaptureError && error.kind === kind && message.test(error.message);
}

/** Fills until the file has ended. */
function drain(buffer: PacketBuffer, handle: PcapHandle): { taken: TakenFrame[]; fills: number } {
  const taken: TakenFrame[] = [];
  for (let fills = 0;; fills++) {
    const batch = buffer.fill(handle);
    if (batch.frames === 0) return { taken, fills };
    takeFrames(batch, NO_BOUNDARY, taken);
    assert.equal(batch.end, batch.bytes.length, "the frames of a batch reach up to its end");
  }
}

Deno.test("PcapHandle.openFile() tells link type and snapshot length", async () => {
  await withHandle(pcapFile([], { linkType: 276, snapshotLength: 96 }), (handle) => {
    assert.equal(handle.linkType, 276);
    assert.equal(handle.snapshotLength, 96);
    assert.equal(handle.drops(), null);
  });
});

Deno.test("PacketBuffer.fill() has frames of any length, with their stamps and lengths", async () => {
  const frames = [frame(3, 1), { ...frame(0, 2), wireLength: 9 }, frame(5, 3)];
  await withHandle(pcapFile(frames, { snapshotLength: 96 }), (handle) => {
    const batch = new PacketBuffer(PacketBuffer.sizeFor(handle.snapshotLength, 4096)).fill(handle);
    assert.equal(batch.frames, 3);
    const taken: TakenFrame[] = [];
    takeFrames(batch, NO_BOUNDARY, taken);
    assert.deepEqual(taken.map(({ timeUs, bytes, wireLength }) => [timeUs, [...bytes], wireLength]), [
      [1_000_001, [1, 1, 1], 3],
      [1_000_002, [], 9],
      [1_000_003, [3, 3, 3, 3, 3], 5],
    ]);
  });
});

Deno.test("PacketBuffer.fill() takes as many frames as surely fit, and the rest later", async () => {
  const frames = Array.from({ length: 100 }, (_, i) => frame(60, i));
  for (const size of [77, 78, 153, 200, 1000, 7600, 7601, 100_000]) {
    await withHandle(pcapFile(frames, { snapshotLength: 60 }), (handle) => {
      const { taken, fills } = drain(new PacketBuffer(size), handle);
      assert.deepEqual(taken.map(({ bytes }) => bytes[59]), frames.map((_, i) => i));
      assert.equal(fills, Math.ceil(100 / Math.floor((size - 1) / 76)), `${size} bytes`);
    });
  }
});

Deno.test("PacketBuffer.fill() has room for the largest frame a file may have", async () => {
  const snapshotLength = 262_144;
  const frames = [frame(snapshotLength, 1), frame(10, 2), frame(snapshotLength, 3)];
  await withHandle(pcapFile(frames, { snapshotLength }), (handle) => {
    const buffer = new PacketBuffer(PacketBuffer.sizeFor(handle.snapshotLength, 1));
    const { taken } = drain(buffer, handle);
    assert.deepEqual(taken.map(({ bytes }) => bytes.length), [snapshotLength, 10, snapshotLength]);
    assert(taken.every(({ bytes }, i) => bytes.every((byte) => byte === i + 1)));
  });
});

Deno.test("PacketBuffer.fill() serves one handle after another", async () => {
  const buffer = new PacketBuffer(4096);
  await withHandle(pcapFile([frame(60, 1), frame(60, 2)], { snapshotLength: 60 }), async (first) => {
    await withHandle(pcapFile([frame(20, 3)], { snapshotLength: 60 }), (second) => {
      const taken: TakenFrame[] = [];
      for (const handle of [first, second, first]) takeFrames(buffer.fill(handle), NO_BOUNDARY, taken);
      assert.deepEqual(taken.map(({ bytes }) => bytes[0]), [1, 2, 3]);
    });
  });
});

Deno.test("PacketBuffer.fill() keeps the frames before a failure, and forgets the failure after", async () => {
  const buffer = new PacketBuffer(4096);
  const whole = pcapFile([frame(60, 1), frame(60, 2)], { snapshotLength: 60 });
  await withHandle(whole.subarray(0, whole.length - 1), (handle) => {
    const batch = buffer.fill(handle);
    assert.equal(batch.frames, 1);
    assert.equal(batch.bytes.length, 76);
    assert.equal(buffer.failure?.kind, "file");
  });
  await withHandle(whole, (handle) => {
    assert.equal(buffer.fill(handle).frames, 2);
    assert.equal(buffer.failure, null);
  });
});

Deno.test("PcapHandle.openLive() says that there is no such interface", { ignore: !isRoot }, () => {
  assert.throws(
    () => PcapHandle.openLive("nosuchinterface", LIVE),
    isCaptureError("no such interface", /^Cannot capture on "nosuchinterface": ./),
  );
});

Deno.test("PcapHandle.openLive() refuses a filter that cannot be compiled", { ignore: !isRoot }, () => {
  assert.throws(
    () => PcapHandle.openLive("lo", { ...LIVE, filter: "port 99999" }),
    isCaptureError("filter", /^Cannot use the filter "port 99999": ./),
  );
});

Deno.test(
  "PcapHandle.ring has what passes an interface, once on loopback",
  { ignore: !isRoot },
  async () => {
    const receiver = createSocket("udp4").bind(0, "127.0.0.1");
    await once(receiver, "listening");
    const { port } = receiver.address();
    const handle = PcapHandle.openLive("lo", { ...LIVE, filter: `udp dst port ${port}` });
    const { ring } = handle;
    assert.equal(ring.take().frames, 0);
    const sender = createSocket("udp4");
    const pollFd = new DataView(new ArrayBuffer(8));
    pollFd.setInt32(0, handle.fd, true);
    pollFd.setInt16(4, POLLIN, true);
    // More often than the ring has blocks.
    for (let round = 0; round < 12; round++) {
      sender.send(new Uint8Array(1000).fill(round), port, "127.0.0.1");
      await once(receiver, "message");
      assert.equal(await libc().poll(new Uint8Array(pollFd.buffer), 1n, -1), 1);
      const taken: TakenFrame[] = [];
      takeFrames(ring.take(), NO_BOUNDARY, taken);
      assert.deepEqual(taken.map(({ bytes, wireLength }) => [bytes.length, wireLength]), [[128, 1042]]);
      assert.deepEqual([...taken[0]!.bytes.subarray(12, 14)], [8, 0]);
      assert(taken[0]!.bytes.subarray(42).every((byte) => byte === round));
      assert.ok(Math.abs(taken[0]!.timeUs / 1000 - Date.now()) < 60_000);
      assert.equal(ring.take().frames, 0);
    }
    assert.deepEqual(handle.drops(), { dropped: 0, interfaceDropped: 0 });
    assert.equal(handle.socketFailure(), null);
    ring.close();
    assert.equal(ring.take().frames, 0);
    handle.close();
    sender.close();
    receiver.close();
  },
);
