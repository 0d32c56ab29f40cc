/** Decodes frames written as hex and says what came of it in one line. */

import { decodeFrame } from "../../src/decode/frame.ts";
import {
  Direction,
  Fragment,
  Headers,
  LINK_PROTOCOL_LLC,
  LINK_PROTOCOL_UNKNOWN,
} from "../../src/decode/headers.ts";
import { ipProtocolName } from "../../src/decode/names.ts";
import type { CorpusFrame } from "./corpus.ts";

const OUTCOMES = ["ip", "not-ip", "truncated", "malformed", "unsupported-link"];

export function bytesOf(hex: string): Uint8Array {
  const digits = hex.replaceAll(/\s/g, "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

export function wireLengthOf(frame: CorpusFrame): number {
  return frame.wireLength ?? bytesOf(frame.hex).length;
}

/** The frame with the bytes from `offset` on replaced. */
export function patched(frame: CorpusFrame, offset: number, hex: string): CorpusFrame {
  const digits = frame.hex.replaceAll(/\s/g, "");
  const patchedHex = digits.slice(0, 2 * offset) + hex + digits.slice(2 * offset + hex.length);
  return { ...frame, hex: patchedHex };
}

/** Decodes the first `captured` bytes of a frame. */
export function decoded(
  frame: CorpusFrame,
  captured: number = Infinity,
  wireLength: number = wireLengthOf(frame),
): Headers {
  const bytes = bytesOf(frame.hex).subarray(0, captured);
  const headers = new Headers();
  decodeFrame(frame.linkType, bytes, 0, bytes.length, wireLength, headers);
  return headers;
}

/** What came of decoding a frame: "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7 first fragment 0x1c46 sent". */
export function describe(frame: CorpusFrame, captured?: number, wireLength?: number): string {
  return describeHeaders(decoded(frame, captured, wireLength));
}

/** What came of a frame of which only the first `length` bytes ever were on the wire. */
export function describeEndingAt(frame: CorpusFrame, length: number): string {
  return describe(frame, length, length);
}

export function describeHeaders(headers: Headers): string {
  const parts = [OUTCOMES[headers.outcome], describeLinkProtocol(headers.linkProtocol)];
  if (headers.ipVersion !== 0) {
    parts.push(ipProtocolName(headers.ipProtocol));
    parts.push(`${describeAddress(headers.ipVersion, headers.source)}.${headers.sourcePort}`, ">");
    parts.push(`${describeAddress(headers.ipVersion, headers.destination)}.${headers.destinationPort}`);
  }
  if (headers.tcpFlags !== 0) parts.push(`flags=0x${headers.tcpFlags.toString(16).padStart(2, "0")}`);
  if (headers.fragment !== Fragment.NONE) {
    parts.push(headers.fragment === Fragment.FIRST ? "first fragment" : "later fragment");
    parts.push(`0x${(headers.fragmentId >>> 0).toString(16)}`);
  }
  if (headers.direction !== Direction.UNKNOWN) {
    parts.push(headers.direction === Direction.SENT ? "sent" : "received");
  }
  return parts.join(" ");
}

function describeLinkProtocol(linkProtocol: number): string {
  if (linkProtocol === LINK_PROTOCOL_UNKNOWN) return "-";
  if (linkProtocol === LINK_PROTOCOL_LLC) return "llc";
  return `0x${linkProtocol.toString(16).padStart(4, "0")}`;
}

function describeAddress(ipVersion: number, words: Uint32Array): string {
  const bytes = [...words].flatMap((
    word,
  ) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
  if (ipVersion === 4) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8 | bytes[2 * i + 1]!).toString(16));
  return groups.join(":").replace(/(^|:)0(:0)+(:|$)/, "::");
}
