/**
 * Which ports a fragmented datagram has. Only the first fragment carries them (RFC 791 section 3.2, RFC 8200
 * section 4.5), the later ones are known by addresses and identification, and by the protocol in IPv4. In IPv6 a
 * later fragment may name an extension header instead, so the protocol is remembered too.
 *
 * A small table in which a new datagram overwrites an old one: fragments of one datagram come close together.
 */

import type { Headers } from "../decode/headers.ts";

const ENTRIES = 4096;
/** source 4, destination 4, identification, protocol of the key, ports, protocol */
const WORDS = 12;
const KEY_PROTOCOL = 9;
const PORTS = 10;
const PROTOCOL = 11;
/** Marks an entry in use, beside the protocol number. */
const IN_USE = 0x100;

function keyProtocol({ ipVersion, ipProtocol }: Headers): number {
  return ipVersion === 4 ? ipProtocol | IN_USE : IN_USE;
}

export class FragmentTable {
  readonly #words = new Uint32Array(ENTRIES * WORDS);

  /** Remembers the ports of a first fragment. */
  remember(headers: Headers): void {
    const at = this.#place(headers);
    this.#words.set(headers.source, at);
    this.#words.set(headers.destination, at + 4);
    this.#words[at + 8] = headers.fragmentId;
    this.#words[at + KEY_PROTOCOL] = keyProtocol(headers);
    this.#words[at + PORTS] = (headers.sourcePort << 16) | headers.destinationPort;
    this.#words[at + PROTOCOL] = headers.ipProtocol;
  }

  /** Fills in the ports of a later fragment; leaves them 0 where the first was not seen. */
  recall(headers: Headers): void {
    const at = this.#place(headers);
    if (!this.#isOf(at, headers)) return;
    headers.sourcePort = this.#words[at + PORTS]! >>> 16;
    headers.destinationPort = this.#words[at + PORTS]! & 0xffff;
    headers.ipProtocol = this.#words[at + PROTOCOL]!;
  }

  #place(headers: Headers): number {
    let hash = headers.fragmentId ^ keyProtocol(headers);
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
      this.#words[at + KEY_PROTOCOL] === keyProtocol(headers);
  }
}
