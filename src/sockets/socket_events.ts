/**
 * What the kernel tells of sockets at the moment it happens: the trace events fib:fib_table_lookup and
 * fib6:fib6_table_lookup (include/trace/events/fib.h, fib6.h), when the way to another host is looked for;
 * sock:inet_sock_set_state, when a connection begins and ends; and sock:sock_send_length, when a packet socket
 * sends (both include/trace/events/sock.h). Most come in the context of the thread that connects, sends or closes.
 */

import { wordsOfBytes } from "../kernel/address.ts";
import {
  COMMON_FLAGS,
  COMMON_PID,
  COMMON_SIZE,
  COMMON_TYPE,
  type TraceFormat,
  WantedFields,
} from "../kernel/trace_format.ts";
import type { TraceEvent } from "../kernel/trace_instance.ts";

const ROUTE_V4 = "fib/fib_table_lookup";
const ROUTE_V6 = "fib6/fib6_table_lookup";
const STATE = "sock/inet_sock_set_state";
export const PACKET_SEND = "sock/sock_send_length";

// include/net/tcp_states.h
export const TCP_SYN_SENT = 2;
export const TCP_FIN_WAIT1 = 4;
export const TCP_CLOSE = 7;
export const TCP_LAST_ACK = 9;
export const TCP_LISTEN = 10;

/** The states by which a connection begins, and those by which this side ends it. */
const STATES = `oldstate==${TCP_SYN_SENT} || newstate==${TCP_SYN_SENT} || newstate==${TCP_FIN_WAIT1} || ` +
  `newstate==${TCP_CLOSE} || newstate==${TCP_LAST_ACK}`;

// trace_flag_type (include/linux/trace_events.h): in an interrupt the thread has nothing to do with what happens.
const TRACE_FLAG_HARDIRQ = 0x08;
const TRACE_FLAG_SOFTIRQ = 0x10;
const TRACE_FLAG_NMI = 0x40;
const INTERRUPTS = TRACE_FLAG_HARDIRQ | TRACE_FLAG_SOFTIRQ | TRACE_FLAG_NMI;

/** Only what this host sends by itself (iif is loopback then) has to do with sockets; of TCP the states tell more. */
const ROUTES = `iif==1 && proto!=6 && !(common_flags & ${INTERRUPTS})`;

/** What is told again and again by those who send. */
export const DATAGRAM_EVENTS: readonly TraceEvent[] = [
  { path: ROUTE_V4, filter: ROUTES },
  { path: ROUTE_V6, filter: ROUTES },
  // AF_PACKET. It costs each sender on the host a little, so it is wanted only while there are packet sockets.
  { path: PACKET_SEND, filter: "family==17", isOptional: true },
];
export const ALL_EVENTS: readonly TraceEvent[] = [{ path: STATE, filter: STATES }, ...DATAGRAM_EVENTS];
/** A filter that no record passes. */
export const NO_RECORD = "common_pid==1 && common_pid==2";

interface SocketEventBase {
  /** CLOCK_MONOTONIC. */
  readonly timeMs: number;
  /** The thread that did it, which is the process where it has but one; null in an interrupt. */
  readonly tid: number | null;
}

/** Ports are 0 where they are not chosen yet, or the protocol is not told with ports. Addresses are four words. */
interface ConversationEvent extends SocketEventBase {
  readonly ipProtocol: number;
  readonly localPort: number;
  readonly remoteAddress: Uint32Array;
  readonly remotePort: number;
}

/** The way to another host was looked for. */
export interface RouteEvent extends ConversationEvent {
  readonly kind: "route";
}

/** A socket went from one state to another (include/net/tcp_states.h). */
export interface StateEvent extends ConversationEvent {
  readonly kind: "state";
  /** Tells sockets apart as long as they live. */
  readonly socket: bigint;
  readonly oldState: number;
  readonly newState: number;
  readonly localAddress: Uint32Array;
}

/** A packet socket sent something; the event follows the frame. */
export interface PacketSendEvent extends SocketEventBase {
  readonly kind: "packet";
  /** With the link header, unless the kernel makes it (SOCK_DGRAM). */
  readonly bytes: number;
}

export type SocketEvent = RouteEvent | StateEvent | PacketSendEvent;

type Decode = (view: DataView, at: number, timeMs: number, tid: number | null) => SocketEvent;

interface EventDecoder {
  /** Shorter records were cut. */
  readonly recordSize: number;
  readonly decode: Decode;
}

/** Decodes records by the formats that this kernel has for them. */
export class SocketEventDecoder {
  /** By type of the event. */
  readonly #decoders = new Map<number, EventDecoder>();

  /** Throws `KernelError` where a format lacks a field. */
  constructor(formats: ReadonlyMap<string, TraceFormat>) {
    for (const [path, format] of formats) {
      const fields = new WantedFields(format);
      const decode = decodeOf(path, fields);
      this.#decoders.set(format.id, { recordSize: fields.recordSize, decode });
    }
  }

  /** Null for records of other events, and for those that are cut. */
  decode(view: DataView, at: number, end: number, timeMs: number): SocketEvent | null {
    if (end - at < COMMON_SIZE) return null;
    const decoder = this.#decoders.get(view.getUint16(at + COMMON_TYPE, true));
    if (decoder === undefined || end - at < decoder.recordSize) return null;
    const isInterrupt = (view.getUint8(at + COMMON_FLAGS) & INTERRUPTS) !== 0;
    return decoder.decode(view, at, timeMs, isInterrupt ? null : view.getInt32(at + COMMON_PID, true));
  }
}

function decodeOf(path: string, fields: WantedFields): Decode {
  if (path === STATE) return stateDecoder(fields);
  return path === PACKET_SEND ? packetDecoder(fields) : routeDecoder(fields);
}

function routeDecoder(fields: WantedFields): Decode {
  const proto = fields.find("proto", 1).offset;
  const [sport, dport] = [fields.find("sport", 2).offset, fields.find("dport", 2).offset];
  const dst = fields.find("dst", 4, 16);
  return (view, at, timeMs, tid) => ({
    kind: "route",
    timeMs,
    tid,
    ipProtocol: view.getUint8(at + proto),
    localPort: view.getUint16(at + sport, true),
    remoteAddress: wordsOfBytes(view, at + dst.offset, dst.size),
    remotePort: view.getUint16(at + dport, true),
  });
}

function stateDecoder(fields: WantedFields): Decode {
  const socket = fields.find("skaddr", 8).offset;
  const [oldState, newState] = [fields.find("oldstate", 4).offset, fields.find("newstate", 4).offset];
  const [sport, dport] = [fields.find("sport", 2).offset, fields.find("dport", 2).offset];
  // Filled for both families, IPv4 in its IPv6 form.
  const [source, destination] = [fields.find("saddr_v6", 16).offset, fields.find("daddr_v6", 16).offset];
  // Of 16 bits since Linux 5.6, of 8 before. The lower eight do: 262, multipath TCP, counts as TCP by them.
  const protocol = fields.find("protocol", 1, 2).offset;
  return (view, at, timeMs, tid) => ({
    kind: "state",
    timeMs,
    tid,
    socket: view.getBigUint64(at + socket, true),
    oldState: view.getInt32(at + oldState, true),
    newState: view.getInt32(at + newState, true),
    ipProtocol: view.getUint8(at + protocol),
    localAddress: wordsOfBytes(view, at + source, 16),
    localPort: view.getUint16(at + sport, true),
    remoteAddress: wordsOfBytes(view, at + destination, 16),
    remotePort: view.getUint16(at + dport, true),
  });
}

function packetDecoder(fields: WantedFields): Decode {
  const result = fields.find("ret", 4).offset;
  return (view, at, timeMs, tid) => {
    return { kind: "packet", timeMs, tid, bytes: Math.max(0, view.getInt32(at + result, true)) };
  };
}
