/**
 * SCTP sockets: /proc/PID/net/sctp/{assocs,eps}, as net/sctp/proc.c writes them. Either end of an association may have
 * several addresses. sock_diag(7) knows associations too, but not who listens for them.
 */

import { equalAddresses, isUnspecified, isV4, parseAddress } from "../kernel/address.ts";
import { answerWithAll } from "./listed_socket.ts";
import { type ReadNetFile, Recent } from "./net_files.ts";
import type { Conversation, SocketAnswer } from "./socket_table.ts";

/** The lists grow with the number of associations. */
const KEEP_MS = 200;
/** SCTP_SS_LISTENING: include/net/sctp/constants.h */
const SCTP_LISTENING = 10;

export interface SctpAssociation {
  readonly localAddresses: readonly Uint32Array[];
  readonly localPort: number;
  readonly remoteAddresses: readonly Uint32Array[];
  readonly remotePort: number;
  readonly uid: number;
  readonly inode: number;
}

export interface SctpEndpoint {
  /** One that is unspecified stands for every address. */
  readonly localAddresses: readonly Uint32Array[];
  readonly localPort: number;
  readonly state: number;
  readonly uid: number;
  readonly inode: number;
}

// ASSOC SOCK STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS …
const ASSOCIATION =
  /^ *\S+ +\S+(?: +-?\d+){7} +(\d{1,10}) +(\d{1,20}) +(\d{1,5}) +(\d{1,5}) +([^<]*)<->(.*)$/;
// ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS
const ENDPOINT = /^ *\S+ +\S+ +\d+ +(\d{1,10}) +\d+ +(\d{1,5}) +(\d{1,10}) +(\d{1,20}) +(.*)$/;

/** The addresses that a text begins with; the primary one is marked by a star. */
function parseAddresses(text: string): Uint32Array[] {
  const addresses: Uint32Array[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const address = parseAddress(word.replace(/^\*/, ""));
    if (address === null) break;
    addresses.push(address);
  }
  return addresses;
}

/** Of sctp/assocs; lines of another shape are passed over. */
export function parseSctpAssociations(text: string): SctpAssociation[] {
  const associations: SctpAssociation[] = [];
  for (const line of text.split("\n")) {
    const fields = ASSOCIATION.exec(line);
    if (!fields) continue;
    associations.push({
      localAddresses: parseAddresses(fields[5]!),
      localPort: Number(fields[3]),
      remoteAddresses: parseAddresses(fields[6]!),
      remotePort: Number(fields[4]),
      uid: Number(fields[1]),
      inode: Number(fields[2]),
    });
  }
  return associations;
}

/** Of sctp/eps; lines of another shape are passed over. */
export function parseSctpEndpoints(text: string): SctpEndpoint[] {
  const endpoints: SctpEndpoint[] = [];
  for (const line of text.split("\n")) {
    const fields = ENDPOINT.exec(line);
    if (!fields) continue;
    endpoints.push({
      localAddresses: parseAddresses(fields[5]!),
      localPort: Number(fields[2]),
      state: Number(fields[1]),
      uid: Number(fields[3]),
      inode: Number(fields[4]),
    });
  }
  return endpoints;
}

export class SctpSockets {
  readonly #associations: Recent<readonly SctpAssociation[]>;
  readonly #endpoints: Recent<readonly SctpEndpoint[]>;

  constructor(read: ReadNetFile) {
    this.#associations = new Recent(() => parseSctpAssociations(read("sctp/assocs")), KEEP_MS);
    this.#endpoints = new Recent(() => parseSctpEndpoints(read("sctp/eps")), KEEP_MS);
  }

  /** The association's socket; where there is no association, those that listen. */
  find(conversation: Conversation, answer: SocketAnswer): boolean {
    const { words, localAt, localPort, remoteAt, remotePort } = conversation;
    const associations = this.#associations.value.filter((one) =>
      one.localPort === localPort && one.remotePort === remotePort &&
      has(one.localAddresses, words, localAt) && has(one.remoteAddresses, words, remoteAt)
    );
    if (answerWithAll(associations, true, answer)) return true;
    const listening = this.#endpoints.value.filter((one) =>
      one.state === SCTP_LISTENING && one.localPort === localPort &&
      one.localAddresses.some((address) => stands(address, words, localAt))
    );
    return answerWithAll(listening, false, answer);
  }

  refresh(nowMs: number): void {
    this.#associations.refresh(nowMs);
    this.#endpoints.refresh(nowMs);
  }
}

function has(addresses: readonly Uint32Array[], words: Uint32Array, at: number): boolean {
  return addresses.some((address) => equalAddresses(address, 0, words, at));
}

/** Whether what is bound to an address takes what comes for another: 0.0.0.0 all of IPv4, :: everything. */
function stands(address: Uint32Array, words: Uint32Array, at: number): boolean {
  return equalAddresses(address, 0, words, at) ||
    (isUnspecified(address) && (!isV4(address) || isV4(words, at)));
}
