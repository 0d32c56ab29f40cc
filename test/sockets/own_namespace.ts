/** A network namespace of a test's own, in which this process may open sockets of every kind. */

import { closeNamespace, openNamespace, withinNamespace } from "../../src/kernel/netns.ts";
import { NamespaceSockets, openSockDiag } from "../../src/sockets/namespace_sockets.ts";
import { netFilesWithin } from "../../src/sockets/net_files.ts";
import { isInstalled, outputOf } from "../installed.ts";

/** Where no such namespace can be made, its tests are left out. */
export function mayMakeNamespaces(): boolean {
  return Deno.uid() === 0 && isInstalled("ip") && isInstalled("unshare") &&
    new Deno.Command("unshare", { args: ["--net", "true"], stderr: "null" }).outputSync().success;
}

export class OwnNamespace implements Disposable {
  readonly fd: number;
  readonly name = `nethogs-test-${crypto.randomUUID().slice(0, 8)}`;
  readonly #disposals = new DisposableStack();

  /** With nothing but loopback, which is up and has index 1. */
  constructor() {
    outputOf("ip", "netns", "add", this.name);
    this.#disposals.defer(() => void outputOf("ip", "netns", "del", this.name));
    this.fd = openNamespace(`/run/netns/${this.name}`);
    this.#disposals.defer(() => closeNamespace(this.fd));
    this.ip("link", "set", "lo", "up");
    // Ping sockets are for these groups, and at first for none.
    this.run(() => Deno.writeTextFileSync("/proc/sys/net/ipv4/ping_group_range", "0 2147483647"));
  }

  /** As in the names of links to it. */
  get inode(): number {
    return Number(/\[(\d+)\]/.exec(this.run(() => Deno.readLinkSync("/proc/thread-self/ns/net")))?.[1]);
  }

  ip(...args: string[]): void {
    outputOf("ip", "-netns", this.name, ...args);
  }

  /** `action` must not wait. */
  run<T>(action: () => T): T {
    return withinNamespace(this.fd, action);
  }

  /** What it has of sockets; closed with the namespace. */
  sockets({ hasNetlink }: { readonly hasNetlink: boolean }): NamespaceSockets {
    const sockets = new NamespaceSockets(hasNetlink ? this.run(openSockDiag) : null, netFilesWithin(this.fd));
    this.#disposals.defer(() => sockets.close());
    return sockets;
  }

  [Symbol.dispose](): void {
    this.#disposals.dispose();
  }
}
