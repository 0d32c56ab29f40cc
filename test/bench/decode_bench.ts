/** Headers of a thousand frames. */

import { decodeFrame } from "../../src/decode/frame.ts";
import { Headers } from "../../src/decode/headers.ts";
import { ACK, onEthernet, tcpPacket, udpPacket } from "../flow/frames.ts";

const DLT_EN10MB = 1;
const FRAMES = 1000;

const headers = new Headers();

function benchDecode(name: string, packet: Uint8Array): void {
  const bytes = onEthernet(packet);
  Deno.bench({
    name,
    group: "decodeFrame(), 1000 frames",
    fn: () => {
      for (let i = 0; i < FRAMES; i++) decodeFrame(DLT_EN10MB, bytes, 0, bytes.length, bytes.length, headers);
    },
  });
}

benchDecode("TCP over IPv4", tcpPacket(["192.0.2.1", 40_000], ["198.51.100.7", 443], ACK, 20));
benchDecode("UDP over IPv4", udpPacket(["192.0.2.1", 40_000], ["198.51.100.7", 53], 20));
benchDecode("TCP over IPv6", tcpPacket(["2001:db8::1", 40_000], ["2001:db8::7", 443], ACK, 20));
