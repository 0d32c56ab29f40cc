import assert from "node:assert/strict";
import { AddressSet } from "../../src/kernel/address.ts";
import { Namespaces, type NetNamespace } from "../../src/sockets/namespaces.ts";
import { mayMakeNamespaces, OwnNamespace } from "./own_namespace.ts";
import { askForAll, conversation } from "./questions.ts";
import { RealSocket } from "./real_sockets.ts";

const HERE = "127.0.0.1";
const EXPERIMENT = 253;

/** The namespaces of this machine, at a time that the test sets. */
function withNamespaces(use: (namespaces: Namespaces, setMs: (nowMs: number) => void) => void): void {
  let nowMs = 1000;
  const namespaces = new Namespaces("/proc", new AddressSet(), new AddressSet(), () => nowMs);
  try {
    use(namespaces, (ms) => nowMs = ms);
  } finally {
    namespaces.close();
  }
}

function rawSocketsOf({ sockets }: NetNamespace): readonly number[] | null {
  const asked = conversation(EXPERIMENT, [HERE, 0], ["127.0.0.2", 0]);
  return askForAll((answer) => sockets.find(asked, answer))?.inodes ?? null;
}

const needsNamespaces = { ignore: !mayMakeNamespaces() };

Deno.test("Namespaces.refresh() finds raw sockets where no process is, but a mount", needsNamespaces, () => {
  using own = new OwnNamespace();
  using raw = own.run(() => RealSocket.raw(EXPERIMENT, HERE));
  const { inode } = own;
  withNamespaces((namespaces) => {
    namespaces.refresh(true);
    const found = [...namespaces.others].find((one) => one.inode === inode)!;
    assert.deepEqual(rawSocketsOf(found), [raw.inode]);
  });
});

Deno.test(
  "Namespaces.refresh() has lists of sockets read anew, however often it is called",
  needsNamespaces,
  () => {
    using own = new OwnNamespace();
    const { inode } = own;
    withNamespaces((namespaces, setMs) => {
      namespaces.refresh(true);
      const found = [...namespaces.others].find((one) => one.inode === inode)!;
      assert.equal(rawSocketsOf(found), null);
      using raw = own.run(() => RealSocket.raw(EXPERIMENT, HERE));
      assert.equal(rawSocketsOf(found), null);
      setMs(1001);
      namespaces.refresh(false);
      assert.deepEqual(rawSocketsOf(found), [raw.inode]);
    });
  },
);

Deno.test("NetNamespace.isLinked holds where a veth or a macvlan joins it to ours", needsNamespaces, () => {
  using own = new OwnNamespace();
  using behindVeth = new OwnNamespace();
  using onParent = new OwnNamespace();
  using alone = new OwnNamespace();
  own.ip("link", "add", "veth0", "type", "veth", "peer", "name", "eth0", "netns", behindVeth.name);
  own.ip("link", "add", "mac0", "link", "veth0", "type", "macvlan");
  own.ip("link", "set", "mac0", "netns", onParent.name);
  // Joined to each other, it is not to ours.
  alone.ip("link", "add", "veth0", "type", "veth", "peer", "name", "eth1", "netns", behindVeth.name);
  const linked = own.run(() => {
    const inodes = new Map<number, boolean>();
    withNamespaces((namespaces) => {
      namespaces.refresh(true);
      for (const { inode, isLinked } of namespaces.others) inodes.set(inode, isLinked);
    });
    return inodes;
  });
  assert.deepEqual([behindVeth, onParent, alone].map(({ inode }) => linked.get(inode)), [true, true, false]);
});

Deno.test("Namespaces.close() leaves no descriptor behind", () => {
  const descriptors = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = descriptors();
  withNamespaces((namespaces) => namespaces.refresh(true));
  assert.equal(descriptors(), before);
});
