/**
 * IP addresses as four big-endian 32-bit words, IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2): one
 * shape for both families, compared without making strings.
 */

/** The third word of an IPv4 address in IPv6 form. */
export const V4_MAPPED = 0xffff;

export function isV4(words: Uint32Array, at = 0): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === V4_MAPPED;
}

/** 0.0.0.0 or :: */
export function isUnspecified(words: Uint32Array, at = 0): boolean {
  return words[at + 3] === 0 && (isV4(words, at) ||
    (words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0));
}

/** 224.0.0.0/4, 255.255.255.255 or ff00::/8 */
export function isMulticast(words: Uint32Array, at = 0): boolean {
  if (!isV4(words, at)) return words[at]! >>> 24 === 0xff;
  return words[at + 3]! >>> 28 === 0xe || words[at + 3] === 0xffffffff;
}

/** 127.0.0.0/8 or ::1 */
export function isLoopback(words: Uint32Array, at = 0): boolean {
  if (isV4(words, at)) return words[at + 3]! >>> 24 === 127;
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 1;
}

function v4Text(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** RFC 5952: the longest run of two or more zero groups, the first of equals, becomes "::". */
function v6Text(words: Uint32Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => (words[at + (i >> 1)]! >>> (i & 1 ? 0 : 16)) & 0xffff);
  let runStart = -1;
  let runLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > runLength) [runStart, runLength] = [i, length];
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  return runStart < 0
    ? hex(groups)
    : `${hex(groups.slice(0, runStart))}::${hex(groups.slice(runStart + runLength))}`;
}

/** The address in its usual text form. */
export function addressText(words: Uint32Array, at = 0): string {
  return isV4(words, at) ? v4Text(words[at + 3]!) : v6Text(words, at);
}

/** Words of 4 or 16 address bytes in network order. */
export function wordsOfBytes(view: DataView, start: number, length: number): Uint32Array<ArrayBuffer> {
  if (length === 4) return Uint32Array.of(0, 0, V4_MAPPED, view.getUint32(start));
  return Uint32Array.from({ length: 4 }, (_, i) => view.getUint32(start + 4 * i));
}

function parseV4(text: string): number | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let word = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null;
    word = (word << 8) | Number(part);
  }
  return word >>> 0;
}

function parseV6(text: string): Uint32Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const groupsOf = (half: string | undefined): string[] => half ? half.split(":") : [];
  const head = groupsOf(halves[0]);
  const tail = groupsOf(halves[1]);
  const zeros = 8 - head.length - tail.length;
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return null;
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  const values = groups.map((group) => parseInt(group, 16));
  return Uint32Array.from({ length: 4 }, (_, i) => (values[2 * i]! << 16) | values[2 * i + 1]!);
}

/** Words of an address in text form, or null where it is none. */
export function parseAddress(text: string): Uint32Array | null {
  const v4 = parseV4(text);
  if (v4 !== null) return Uint32Array.of(0, 0, V4_MAPPED, v4);
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (!embedded) return parseV6(text);
  const low = parseV4(embedded[2]!);
  return low === null
    ? null
    : parseV6(`${embedded[1]}${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`);
}

export function equalAddresses(a: Uint32Array, aAt: number, b: Uint32Array, bAt: number): boolean {
  return a[aAt + 3] === b[bAt + 3] && a[aAt + 2] === b[bAt + 2] && a[aAt + 1] === b[bAt + 1] &&
    a[aAt] === b[bAt];
}

/** A set of addresses that is asked for once per frame on some links, so asking allocates nothing. */
export class AddressSet {
  readonly #byLowWord = new Map<number, Uint32Array[]>();

  add(words: Uint32Array): void {
    if (this.has(words)) return;
    const low = words[3]! | 0;
    const others = this.#byLowWord.get(low);
    if (others) others.push(words);
    else this.#byLowWord.set(low, [words]);
  }

  clear(): void {
    this.#byLowWord.clear();
  }

  has(words: Uint32Array, at = 0): boolean {
    const candidates = this.#byLowWord.get(words[at + 3]! | 0);
    if (candidates === undefined) return false;
    for (let i = 0; i < candidates.length; i++) {
      if (equalAddresses(candidates[i]!, 0, words, at)) return true;
    }
    return false;
  }
}
