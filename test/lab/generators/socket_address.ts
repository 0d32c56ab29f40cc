/** Socket addresses as the kernel takes them: ip(7), ipv6(7), unix(7). */

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

/** struct sockaddr_in or sockaddr_in6. IPv6 addresses are written out but for one "::". */
export function socketAddress(address: string, port: number): Uint8Array<ArrayBuffer> {
  const isV6 = address.includes(":");
  const bytes = new Uint8Array(isV6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isV6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  if (!isV6) {
    bytes.set(ipv4Bytes(address), 4);
    return bytes;
  }
  const [head = [], tail = []] = address.split("::").map((half) => half === "" ? [] : half.split(":"));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  groups.forEach((group, i) => view.setUint16(8 + 2 * i, parseInt(group, 16)));
  return bytes;
}

export function ipv4Bytes(address: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(address.split("."), Number);
}

/** struct sockaddr_un */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(path);
  const bytes = new Uint8Array(2 + text.length + 1);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(text, 2);
  return bytes;
}
