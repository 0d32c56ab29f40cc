/**
 * The addresses of a namespace that may not be entered: /proc/PID/net/fib_trie and if_inet6 are open to every process that
 * can see the PID. See proc_pid_net(5) and net/ipv4/fib_trie.c.
 */

import { parseAddress } from "../kernel/address.ts";

/** Addresses with a "/32 host LOCAL" leaf: those that the namespace takes for its own. */
export function parseFibTrie(text: string): Uint32Array[] {
  const addresses = new Map<string, Uint32Array>();
  let leaf: string | null = null;
  for (const line of text.split("\n")) {
    leaf = /^\s*\|-- (\d+\.\d+\.\d+\.\d+)$/.exec(line)?.[1] ?? leaf;
    if (leaf === null || !/^\s*\/32 host LOCAL$/.test(line)) continue;
    const words = parseAddress(leaf);
    if (words) addresses.set(leaf, words);
  }
  return [...addresses.values()];
}

/** The first field of each line is the address in 32 hexadecimal digits. */
export function parseIfInet6(text: string): Uint32Array[] {
  return text.split("\n").map((line) => /^([0-9a-f]{32}) /.exec(line)?.[1]).filter((hex) => hex !== undefined)
    .map((hex) => Uint32Array.from({ length: 4 }, (_, i) => parseInt(hex.slice(8 * i, 8 * i + 8), 16)));
}
