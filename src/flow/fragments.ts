/**
 * Which ports a fragmented datagram has. Only the first fragment carries them (RFC 791 section 3.2, RFC 8200
 * section 4.5), the later ones are known by addresses, protocol and identification.
 *
 * A small table in which a new datagram overwrites an old one: fragments of one datagram come close together.
 */

import type { Headers } from "../decode/headers.ts";

const ENTRIES = 4096;
/** source 4, destination 4, identification, protocol, ports */
const WORDS = 11;
const PORTS = 10;
/** Marks an entry in use, beside the protocol number. */
const IN_USE = 0x100;

export class FragmentTable {
  readonly #words = new Uint32Array(ENTRIES * WORDS);

  /** Remembers the ports of a first fragment. */
  remember(headers: Headers): void {
    const at = this.#place(headers);
    this.#words.set(headers.source, at);
    this.#words.set(headers.destination, at + 4);
    this.#words[at + 8] = headers.fragmentId;
    this.#words[at + 9] = headers.ipProtocol | IN_USE;
    this.#words[at + PORTS] = (headers.sourcePort << 16) | headers.destinationPort;
  }

  /** Fills in the ports of a later fragment; leaves them 0 where the first was not seen. */
  recall(headers: Headers): void {
    const at = this.#place(headers);
    if (!this.#isOf(at, headers)) return;
    headers.sourcePort = this.#words[at + PORTS]! >>> 16;
    headers.destinationPort = this.#words[at + PORTS]! & 0xffff;
  }

  #place(headers: Headers): number {
    let hash = headers.fragmentId ^ headers.ipProtocol;
    for (let i = 0; i < 4; i++) {
      hash = Math.imul(hash ^ headers.source[i]!, 0x9e3779b1);
      hash = Math.imul(hash ^ (hash >>> 15) ^ headers.destination[i]!, 0x85ebca6b);
    }
    return ((hash ^ (hash >>> 13)) & (ENTRIES - 1)) * WORDS;
  }

  #isOf(at: number, headers: Headers): boolean {
    for (let i = 0; i < 4; i++) {
      if (this.#words[at + i] !== headers.source[i] || this.#words[at + 4 + i] !== headers.destination[i]) {
        return false;
      }
    }
    return this.#words[at + 8] === headers.fragmentId >>> 0 &&
      this.#words[at + 9] === (headers.ipProtocol | IN_USE);
  }
}
