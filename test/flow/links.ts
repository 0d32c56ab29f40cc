/** Links to count frames on. */

import type { Link } from "../../src/capture/source.ts";

const DLT_EN10MB = 1;

export function ethernetLink(slot = 0, others: Partial<Link> = {}): Link {
  return {
    slot,
    name: `eth${slot}`,
    interfaceIndex: slot + 2,
    linkType: DLT_EN10MB,
    isLoopback: false,
    isFile: false,
    isWhole: true,
    isClosed: false,
    isForgotten: false,
    droppedFrames: 0,
    interfaceDroppedFrames: 0,
    ...others,
  };
}

export function loopbackLink(slot = 0): Link {
  return ethernetLink(slot, { name: "lo", interfaceIndex: 1, isLoopback: true });
}

/** A link whose frames begin with the IP header, as a tunnel's. */
export function tunnelLink(slot = 0): Link {
  return ethernetLink(slot, { name: `tun${slot}`, linkType: 12 });
}

export function fileLink(slot = 0): Link {
  return ethernetLink(slot, { name: "file.pcap", interfaceIndex: 0, isFile: true });
}
