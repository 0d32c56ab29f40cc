/** Capture files made byte by byte: pcap-savefile(5), and the pcapng draft (draft-ietf-opsawg-pcapng). */

export interface FileFrame {
  readonly seconds: number;
  /** Micro- or nanoseconds, as the file's header says. */
  readonly fraction: number;
  readonly bytes: Uint8Array;
  /** Where it is not the number of bytes. */
  readonly wireLength?: number;
}

export interface FileForm {
  readonly isLittleEndian?: boolean;
  readonly isNanosecond?: boolean;
  readonly linkType?: number;
  readonly snapshotLength?: number;
}

const PCAP_HEADER_SIZE = 24;
export const RECORD_HEADER_SIZE = 16;

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function uint32s(isLittleEndian: boolean, values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setUint32(4 * i, value, isLittleEndian));
  return new Uint8Array(view.buffer);
}

function pcapRecord(
  isLittleEndian: boolean,
  { seconds, fraction, bytes, wireLength }: FileFrame,
): Uint8Array {
  const header = uint32s(isLittleEndian, [seconds, fraction, bytes.length, wireLength ?? bytes.length]);
  return joined([header, bytes]);
}

export function pcapFile(frames: readonly FileFrame[], form: FileForm = {}): Uint8Array<ArrayBuffer> {
  const { isLittleEndian = true, isNanosecond = false, linkType = 1, snapshotLength = 65_535 } = form;
  const header = new DataView(new ArrayBuffer(PCAP_HEADER_SIZE));
  header.setUint32(0, isNanosecond ? 0xa1b23c4d : 0xa1b2c3d4, isLittleEndian);
  header.setUint16(4, 2, isLittleEndian);
  header.setUint16(6, 4, isLittleEndian);
  header.setUint32(16, snapshotLength, isLittleEndian);
  header.setUint32(20, linkType, isLittleEndian);
  return joined([
    new Uint8Array(header.buffer),
    ...frames.map((frame) => pcapRecord(isLittleEndian, frame)),
  ]);
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const OPTION_RESOLUTION = 9;

/** A block states its length before and behind its body. */
function block(isLittleEndian: boolean, type: number, body: Uint8Array): Uint8Array {
  const length = 12 + Math.ceil(body.length / 4) * 4;
  const padding = new Uint8Array(length - 12 - body.length);
  return joined([
    uint32s(isLittleEndian, [type, length]),
    body,
    padding,
    uint32s(isLittleEndian, [length]),
  ]);
}

function pair(isLittleEndian: boolean, first: number, second: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, first, isLittleEndian);
  view.setUint16(2, second, isLittleEndian);
  return new Uint8Array(view.buffer);
}

export function pcapngFile(frames: readonly FileFrame[], form: FileForm = {}): Uint8Array<ArrayBuffer> {
  const { isLittleEndian = true, isNanosecond = false, linkType = 1, snapshotLength = 65_535 } = form;
  const section = joined([
    uint32s(isLittleEndian, [0x1a2b3c4d]),
    pair(isLittleEndian, 1, 0),
    uint32s(isLittleEndian, [0xffffffff, 0xffffffff]),
  ]);
  const description = joined([
    pair(isLittleEndian, linkType, 0),
    uint32s(isLittleEndian, [snapshotLength]),
    pair(isLittleEndian, OPTION_RESOLUTION, 1),
    Uint8Array.of(isNanosecond ? 9 : 6, 0, 0, 0),
    uint32s(isLittleEndian, [0]),
  ]);
  const packets = frames.map(({ seconds, fraction, bytes, wireLength }) => {
    const stamp = BigInt(seconds) * (isNanosecond ? 1_000_000_000n : 1_000_000n) + BigInt(fraction);
    const [high, low] = [Number(stamp >> 32n), Number(stamp & 0xffffffffn)];
    const header = uint32s(isLittleEndian, [0, high, low, bytes.length, wireLength ?? bytes.length]);
    return block(isLittleEndian, ENHANCED_PACKET, joined([header, bytes]));
  });
  return joined([
    block(isLittleEndian, SECTION_HEADER, section),
    block(isLittleEndian, INTERFACE_DESCRIPTION, description),
    ...packets,
  ]);
}

/** Writes a file that is gone after the test. */
export async function withFile<T>(
  content: Uint8Array | string,
  use: (path: string) => T | Promise<T>,
): Promise<T> {
  const path = Deno.makeTempFileSync({ prefix: "nethogs-", suffix: ".pcap" });
  try {
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    return await use(path);
  } finally {
    Deno.removeSync(path);
  }
}
