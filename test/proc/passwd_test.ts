import assert from "node:assert/strict";
import { parsePasswd } from "../../src/proc/passwd.ts";

Deno.test("parsePasswd() reads names by user id", () => {
  const text = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n";
  assert.deepEqual(parsePasswd(text), new Map([[0, "root"], [33, "www-data"]]));
});

Deno.test("parsePasswd() takes the first of several names for one id", () => {
  const text = "root:x:0:0::/:\ntoor:x:0:0::/:\n";
  assert.deepEqual(parsePasswd(text), new Map([[0, "root"]]));
});

Deno.test("parsePasswd() passes over oddities", () => {
  const text = [
    "",
    "# a comment",
    "+::::::",
    "+@admins",
    "-nobody",
    ":x:5:5::/:",
    "noid:x::",
    "negative:x:-2:0::/:",
    "letters:x:1a:0::/:",
    "nofields",
    "last:x:4294967294:0::/:",
  ].join("\n");
  assert.deepEqual(parsePasswd(text), new Map([[4294967294, "last"]]));
});

Deno.test("parsePasswd() reads lines without the later fields", () => {
  assert.deepEqual(parsePasswd("short:x:7"), new Map([[7, "short"]]));
});
