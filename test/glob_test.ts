import assert from "node:assert/strict";
import { compileGlob, isGlob } from "../src/glob.ts";

/** Asserts which of the texts a pattern matches; the others it must not. */
async function assertMatches(pattern: string, matched: string[], others: string[]): Promise<void> {
  const matches = await compileGlob(pattern);
  assert.deepEqual([...matched, ...others].filter(matches), matched, pattern);
}

Deno.test("isGlob() finds the three signs of a pattern", () => {
  for (const text of ["veth*", "eth?", "eth[01]", "*", "["]) assert(isGlob(text), text);
  for (const text of ["", "eth0", "a{b,c}", "!x", "+(a)", "/usr/bin/g++", "eth]"]) {
    assert(!isGlob(text), text);
  }
});

Deno.test("compileGlob() matches whole names", async () => {
  await assertMatches("veth*", ["veth", "veth1a2b"], ["xveth1", "eth0"]);
  await assertMatches("systemd-*", ["systemd-resolved"], ["systemd", "my-systemd-x"]);
  await assertMatches("eth?", ["eth0", "ethé"], ["eth", "eth10"]);
  await assertMatches("*", ["a", ".hidden", "a b"], [""]);
  await assertMatches("*.so*", ["a.so", ".so.1"], ["aXso"]);
});

Deno.test("compileGlob() reads bracket expressions", async () => {
  await assertMatches("eth[0-3]", ["eth0", "eth3"], ["eth4", "eth", "eth-"]);
  await assertMatches("[!ab]c", ["cc"], ["ac", "bc", "c"]);
  await assertMatches("[^ab]c", ["cc"], ["ac", "bc"]);
  await assertMatches("[]a]*", ["]", "ab"], ["b"]);
  await assertMatches("[[:digit:]]*", ["4x"], ["x4"]);
  await assertMatches("[(d{]*", ["(a", "d", "{"], ["a"]);
  await assertMatches("[\\d]*", ["d"], ["1"]);
});

Deno.test("compileGlob() takes every other sign for itself", async () => {
  await assertMatches("{a,b}*", ["{a,b}c"], ["ac", "bc"]);
  await assertMatches("!a*", ["!ab"], ["b"]);
  await assertMatches("(sd-pam)*", ["(sd-pam)"], ["sd-pam"]);
  await assertMatches("+(a)*", ["+(a)b"], ["aab"]);
  await assertMatches("*(a)", ["x(a)"], ["a", "aa", ""]);
  await assertMatches("a|b*", ["a|bc"], ["a", "bc"]);
  await assertMatches('"a"*', ['"a"b'], ["ab"]);
  await assertMatches("g++*", ["g++-12"], ["gg"]);
  await assertMatches("^$.*", ["^$.x"], ["x"]);
  await assertMatches("a[b*", ["a[bc"], ["abc"]);
});

Deno.test("compileGlob() lets a backslash take the meaning off a sign", async () => {
  await assertMatches("\\*", ["*"], ["a"]);
  await assertMatches("a\\[b]*", ["a[b]c"], ["abc"]);
  await assertMatches("\\d*", ["d1"], ["1"]);
  await assertMatches("a*\\", ["ab\\"], ["ab"]);
});

Deno.test("compileGlob() gives a slash in a name no meaning", async () => {
  await assertMatches("kworker*", ["kworker/0:1", "kworker/u8:2-events"], ["xkworker/0:1"]);
  await assertMatches("kworker?0*", ["kworker/0:1"], ["kworker/1:0"]);
});

Deno.test("compileGlob() stops at a slash in a path unless told to go on", async () => {
  await assertMatches("/usr/bin/*", ["/usr/bin/python3", "/usr/bin/.x"], [
    "/usr/bin/a/b",
    "/usr/bin",
    "/bin/ls",
  ]);
  await assertMatches("/usr/bin?x", [], ["/usr/bin/x"]);
  await assertMatches("/opt/**/java", ["/opt/java", "/opt/jdk/bin/java"], ["/opt/javac", "/usr/opt/java"]);
  await assertMatches("**/java", ["/opt/jdk/bin/java"], ["/opt/java/x"]);
  await assertMatches("./run*", ["./run.sh"], ["run.sh"]);
});
