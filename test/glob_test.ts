import assert from "node:assert/strict";
import { compileGlob, isGlob } from "../src/glob.ts";

/** Asserts which of the texts a pattern matches; the others it must not. */
function assertMatches(pattern: string, matched: string[], others: string[]): void {
  const matches = compileGlob(pattern);
  assert.deepEqual([...matched, ...others].filter(matches), matched, pattern);
}

Deno.test("isGlob() finds the three signs of a pattern", () => {
  for (const text of ["veth*", "eth?", "eth[01]", "*", "["]) assert(isGlob(text), text);
  for (const text of ["", "eth0", "a{b,c}", "!x", "+(a)", "/usr/bin/g++", "eth]"]) {
    assert(!isGlob(text), text);
  }
});

Deno.test("compileGlob() matches whole names", () => {
  assertMatches("veth*", ["veth", "veth1a2b"], ["xveth1", "eth0"]);
  assertMatches("systemd-*", ["systemd-resolved"], ["systemd", "my-systemd-x"]);
  assertMatches("eth?", ["eth0", "ethé"], ["eth", "eth10"]);
  assertMatches("*", ["a", ".hidden", "a b"], [""]);
  assertMatches("*.so*", ["a.so", ".so.1"], ["aXso"]);
});

Deno.test("compileGlob() reads bracket expressions", () => {
  assertMatches("eth[0-3]", ["eth0", "eth3"], ["eth4", "eth", "eth-"]);
  assertMatches("[!ab]c", ["cc"], ["ac", "bc", "c"]);
  assertMatches("[^ab]c", ["cc"], ["ac", "bc"]);
  assertMatches("[]a]*", ["]", "ab"], ["b"]);
  assertMatches("[[:digit:]]*", ["4x"], ["x4"]);
  assertMatches("[(d{]*", ["(a", "d", "{"], ["a"]);
  assertMatches("[\\d]*", ["d"], ["1"]);
});

Deno.test("compileGlob() reads classes and ranges, and takes for itself what is none", () => {
  assertMatches("[[:alpha:]_]x", ["éx", "_x"], ["1x", ":x"]);
  assertMatches("[^[:space:]]", ["a"], [" "]);
  assertMatches("[[:nothing:]a]", ["a"], ["n"]);
  assertMatches("[z-a]*", [], ["z", "m", "a"]);
  assertMatches("[a-]", ["a", "-"], ["b"]);
  assertMatches("[\\]-\\]]", ["]"], ["-", "\\"]);
  assertMatches("[!]", ["[!]"], ["!", "a"]);
  assertMatches("[]*", ["[]x"], ["x"]);
  assertMatches("[😀-😂]?", ["😁😁"], ["a😁", "😁"]);
});

Deno.test("compileGlob() takes every other sign for itself", () => {
  assertMatches("{a,b}*", ["{a,b}c"], ["ac", "bc"]);
  assertMatches("!a*", ["!ab"], ["b"]);
  assertMatches("(sd-pam)*", ["(sd-pam)"], ["sd-pam"]);
  assertMatches("+(a)*", ["+(a)b"], ["aab"]);
  assertMatches("*(a)", ["x(a)"], ["a", "aa", ""]);
  assertMatches("a|b*", ["a|bc"], ["a", "bc"]);
  assertMatches('"a"*', ['"a"b'], ["ab"]);
  assertMatches("g++*", ["g++-12"], ["gg"]);
  assertMatches("^$.*", ["^$.x"], ["x"]);
  assertMatches("a[b*", ["a[bc"], ["abc"]);
});

Deno.test("compileGlob() lets a backslash take the meaning off a sign", () => {
  assertMatches("\\*", ["*"], ["a"]);
  assertMatches("a\\[b]*", ["a[b]c"], ["abc"]);
  assertMatches("\\d*", ["d1"], ["1"]);
  assertMatches("a*\\", ["ab\\"], ["ab"]);
  assertMatches("\\\\\\\\*", ["\\\\x"], ["\\x"]);
});

Deno.test("compileGlob() gives a slash in a name no meaning", () => {
  assertMatches("kworker*", ["kworker/0:1", "kworker/u8:2-events"], ["xkworker/0:1"]);
  assertMatches("kworker?0*", ["kworker/0:1"], ["kworker/1:0"]);
});

Deno.test("compileGlob() stops at a slash in a path unless told to go on", () => {
  assertMatches("/usr/bin/*", ["/usr/bin/python3", "/usr/bin/.x"], [
    "/usr/bin/a/b",
    "/usr/bin",
    "/bin/ls",
  ]);
  assertMatches("/usr/bin?x", [], ["/usr/bin/x"]);
  assertMatches("/opt/**/java", ["/opt/java", "/opt/jdk/bin/java"], ["/opt/javac", "/usr/opt/java"]);
  assertMatches("**/java", ["/opt/jdk/bin/java"], ["/opt/java/x"]);
  assertMatches("./run*", ["./run.sh"], ["run.sh"]);
});

Deno.test("compileGlob() goes on between runs of any length, in names and in paths", () => {
  assertMatches("*a*b*c", ["abc", "xaxaxbxbxc", "aabbcc"], ["acb", "abcx", "ab"]);
  assertMatches("/a/**/b/**/c*", ["/a/b/c", "/a/x/b/x/y/c1", "/a/b/b/c/c"], ["/a/c/b", "/a/b", "/a/b/c/d"]);
  assertMatches("/a/**", ["/a/b", "/a/b/c"], ["/b/a"]);
});

Deno.test("compileGlob() is soon done with a name that was made to keep it busy", () => {
  assertMatches("*a*a*a*a*a*b", [], ["a".repeat(16_000)]);
  assertMatches("**/a/**/a/**/a/**/b", [], ["/a".repeat(8000)]);
});
