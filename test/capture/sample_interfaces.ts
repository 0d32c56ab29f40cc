/** Interfaces as rtnetlink tells of them, for tests that need none of the host. */

import type { NetworkInterface } from "../../src/capture/interfaces.ts";
import { parseAddress } from "../../src/kernel/address.ts";

export function networkInterface(
  index: number,
  name: string,
  { addresses = [], ...others }:
    & Partial<Omit<NetworkInterface, "addresses">>
    & { addresses?: readonly string[] } = {},
): NetworkInterface {
  return {
    index,
    name,
    isUp: true,
    isLoopback: name === "lo",
    masterIndex: 0,
    linkIndex: 0,
    linkNetnsId: -1,
    broadcasts: [],
    ...others,
    addresses: addresses.map((text) => parseAddress(text)!),
  };
}
