/** Links whose frames begin with the IP header (DLT_RAW). */

import { type Headers, Outcome, shortOutcome } from "./headers.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";

export function decodeRawIp(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  if (offset >= end) {
    headers.outcome = shortOutcome(offset + 1, wireEnd);
    return;
  }
  switch (bytes[offset]! >> 4) {
    case 4:
      return decodeIpv4(bytes, offset, end, wireEnd, headers);
    case 6:
      return decodeIpv6(bytes, offset, end, wireEnd, headers);
    default:
      headers.outcome = Outcome.MALFORMED;
  }
}
