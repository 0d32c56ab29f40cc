/** Conversations in words, as one of their ends sees them. */

import { ipProtocolName, linkProtocolName } from "../decode/names.ts";
import {
  addressAt,
  End,
  FlowKind,
  flowKind,
  type FlowTable,
  ipProtocol,
  linkProtocolOf,
  port,
} from "../flow/table.ts";
import { addressText } from "../kernel/address.ts";

/** "192.0.2.1:443" or "[2001:db8::1]:443"; the bare address where there is no port. */
export function endText(address: string, port: number | null): string {
  if (port === null) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** "tcp 192.0.2.2:40322 > 198.51.100.7:443": the near or the far end of a record, and its other end. */
export function conversationName(table: FlowTable, flow: number, end: End): string {
  // What a process sent by a packet socket has no addresses that we know of.
  if (flowKind(table, flow) !== FlowKind.IP) return protocolName(table, flow);
  const other = otherEnd(end);
  // Most protocols but TCP and UDP have none.
  const hasPorts = port(table, flow, end) !== 0 || port(table, flow, other) !== 0;
  const text = (which: End): string =>
    endText(addressText(table.keys, addressAt(flow, which)), hasPorts ? port(table, flow, which) : null);
  return `${protocolName(table, flow)} ${text(end)} > ${text(other)}`;
}

/** The address of the other end; the protocol, where the frames are not IP. */
export function remoteName(table: FlowTable, flow: number, end: End): string {
  if (flowKind(table, flow) !== FlowKind.IP) return protocolName(table, flow);
  return addressText(table.keys, addressAt(flow, otherEnd(end)));
}

/** "tcp", or "arp" of frames that are not IP. */
export function protocolName(table: FlowTable, flow: number): string {
  const linkProtocol = flowKind(table, flow) === FlowKind.IP ? null : linkProtocolOf(table, flow);
  return linkProtocol === null ? ipProtocolName(ipProtocol(table, flow)) : linkProtocolName(linkProtocol);
}

function otherEnd(end: End): End {
  return end === End.NEAR ? End.FAR : End.NEAR;
}
