/** Six seconds of traffic in which there is something of everything. */

import { type FileFrame, joined, pcapFile } from "../capture/capture_file.ts";
import { ACK, ethernet, FIN, ip, onEthernet, SYN, TCP, tcp, UDP, udp } from "../flow/frames.ts";

const ICMP = 1;
const IPV4 = 0x0800;
const ARP = 0x0806;
const VLAN = 0x8100;
const LLDP = 0x88cc;

const HOST = "192.0.2.1";
const SERVER = "198.51.100.7";
const RESOLVER = "192.0.2.53";
const HOST_V6 = "2001:db8::1";
const SERVER_V6 = "2001:db8:f::7";

const START_S = Date.UTC(2026, 10, 23, 9) / 1000;

/** A frame so many microseconds after the start, of which so many bytes were captured. */
export function frameAt(afterUs: number, bytes: Uint8Array, captured = bytes.length): FileFrame {
  const seconds = Math.floor(afterUs / 1e6);
  return {
    seconds: START_S + seconds,
    fraction: afterUs - seconds * 1e6,
    bytes: bytes.slice(0, captured),
    wireLength: bytes.length,
  };
}

function packet(source: string, destination: string, protocol: number, payload: Uint8Array): Uint8Array {
  return onEthernet(ip({ source, destination, protocol }, payload));
}

function segment(source: string, destination: string, bytes: Uint8Array): Uint8Array {
  return packet(source, destination, TCP, bytes);
}

export function datagram(source: string, destination: string, bytes: Uint8Array): Uint8Array {
  return packet(source, destination, UDP, bytes);
}

/** A datagram in packets that carry so many bytes of it. */
function fragments(source: string, destination: string, size: number, bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => {
    const part = bytes.slice(i * size, (i + 1) * size);
    const hasMoreFragments = (i + 1) * size < bytes.length;
    const header = { source, destination, protocol: UDP, identification: 7, fragmentOffset: i * size };
    return onEthernet(ip({ ...header, hasMoreFragments }, part));
  });
}

function echo(type: number): Uint8Array {
  const identifier = [0x12, 0x67];
  return joined([Uint8Array.of(type, 0, 0, 0, ...identifier, 0, 1), new Uint8Array(56)]);
}

const SYSLOG = ip({ source: HOST, destination: RESOLVER, protocol: UDP }, udp(514, 514, 20));
const TAG = Uint8Array.of(0, 100, IPV4 >>> 8, IPV4 & 0xff);
/** Its header is said to be three words long; five are the least. */
const SHORT_HEADER = joined([Uint8Array.of(0x43), new Uint8Array(45)]);

/** Each with its length on the wire. */
export const SAMPLE_FRAMES: readonly FileFrame[] = [
  /*   54 */ frameAt(0, segment(HOST, SERVER, tcp(40_000, 443, SYN))),
  /*   54 */ frameAt(10_000, segment(SERVER, HOST, tcp(443, 40_000, SYN | ACK))),
  /*  554 */ frameAt(20_000, segment(HOST, SERVER, tcp(40_000, 443, ACK, 500))),
  /* 1454 */ frameAt(30_000, segment(SERVER, HOST, tcp(443, 40_000, ACK, 1400))),
  /* 1454 */ frameAt(40_000, segment(SERVER, HOST, tcp(443, 40_000, ACK, 1400))),
  /*   82 */ frameAt(500_000, datagram(HOST, RESOLVER, udp(5353, 53, 40))),
  /*  162 */ frameAt(510_000, datagram(RESOLVER, HOST, udp(53, 5353, 120))),
  /*   42 */ frameAt(600_000, ethernet(ARP, new Uint8Array(28))),
  /*   60 */ frameAt(600_100, ethernet(ARP, new Uint8Array(46))),
  // The last microsecond of one second and the first of the next.
  /*   90 */ frameAt(999_999, datagram(HOST, RESOLVER, udp(123, 123, 48))),
  /*   74 */ frameAt(1_000_000, segment(HOST_V6, SERVER_V6, tcp(40_001, 80, FIN | ACK))),
  /* 1514, 1514, 54 */
  ...fragments(SERVER, HOST, 1480, udp(2049, 900, 2972)).map((bytes) => frameAt(1_200_000, bytes)),
  /* 1510, 170 */
  ...fragments(SERVER_V6, HOST_V6, 1448, udp(2049, 900, 1548)).map((bytes) => frameAt(1_400_000, bytes)),
  /*   66 */ frameAt(1_500_000, ethernet(VLAN, joined([TAG, SYSLOG]))),
  // Cut within the IP header, and within the ports.
  /* 1514 */ frameAt(3_000_000, segment(SERVER, HOST, tcp(443, 40_000, ACK, 1460)), 20),
  /* 1514 */ frameAt(3_100_000, segment(SERVER, HOST, tcp(443, 40_000, ACK, 1460)), 36),
  /*   60 */ frameAt(3_200_000, ethernet(IPV4, SHORT_HEADER)),
  /*   98 */ frameAt(3_300_000, packet(HOST, SERVER, ICMP, echo(8))),
  /*   98 */ frameAt(3_310_000, packet(SERVER, HOST, ICMP, echo(0))),
  /*   60 */ frameAt(3_400_000, ethernet(LLDP, new Uint8Array(46))),
  /*   54 */ frameAt(3_900_000, segment(HOST, SERVER, tcp(40_000, 443, FIN | ACK))),
  // Out of order: it counts with the frames before it.
  /*   90 */ frameAt(1_900_000, datagram(HOST, RESOLVER, udp(123, 123, 48))),
  /*   82 */ frameAt(5_999_999, datagram(HOST, RESOLVER, udp(5353, 53, 40))),
];

export const SAMPLE_BYTES = 12_478;

/** All of it in one capture file. */
export const SAMPLE = pcapFile(SAMPLE_FRAMES);
