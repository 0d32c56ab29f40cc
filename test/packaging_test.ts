/** What a system is given to run nethogs by itself. */

import assert from "node:assert/strict";
import { parseOptions } from "../src/arguments.ts";
import { OF_INTERFACES } from "../src/proc/capabilities.ts";
import { isInstalled, outputOf } from "./installed.ts";

const PACKAGING = new URL("../packaging/", import.meta.url).pathname;
const UNIT = `${PACKAGING}nethogs.service`;

const PROGRAM = "/usr/local/bin/nethogs";
/** The shell's, in quotes: the words of the command, and the file for its output. */
const COMMAND = /^\/bin\/sh -c 'exec (\S+) (.+) >>(\S+)'$/;

/** All values of each setting, in order. */
async function readUnit(): Promise<(name: string) => string[]> {
  const lines = (await Deno.readTextFile(UNIT)).split("\n");
  const settings = lines.filter((line) => /^\w+=/.test(line));
  const valueOf = (line: string): string => line.slice(line.indexOf("=") + 1);
  return (name) => settings.filter((line) => line.startsWith(`${name}=`)).map(valueOf);
}

Deno.test("the unit runs a command that nethogs accepts: JSON without end, from the usual interfaces", async () => {
  const setting = await readUnit();
  const [, program, words] = COMMAND.exec(setting("ExecStart")[0]!) ?? [];
  assert.equal(program, PROGRAM);
  const invocation = parseOptions(words!.split(" "));
  assert.ok(invocation.kind === "run");
  const { output, delayMs, count, interfaces } = invocation.options;
  assert.deepEqual({ output, delayMs, count, interfaces }, {
    ...{ output: "json", delayMs: 10_000, count: null, interfaces: [] },
  });
});

Deno.test("the unit writes to the folder that it has made for it, and what it writes is rotated", async () => {
  const setting = await readUnit();
  const file = COMMAND.exec(setting("ExecStart")[0]!)?.[3];
  assert.equal(file, `/var/log/${setting("LogsDirectory")[0]}/nethogs.json`);
  // systemd opens that before it makes the folder.
  assert.deepEqual(setting("StandardOutput"), []);
  const rotation = await Deno.readTextFile(`${PACKAGING}nethogs.logrotate`);
  assert.match(rotation, /^\/var\/log\/nethogs\/nethogs\.json \{$/m);
});

Deno.test("the unit has the capabilities that nethogs uses, and a user without others", async () => {
  const setting = await readUnit();
  const wanted = [...OF_INTERFACES].sort();
  for (const name of ["AmbientCapabilities", "CapabilityBoundingSet"]) {
    assert.deepEqual(setting(name).map((value) => value.toLowerCase().split(" ").sort()), [wanted]);
  }
  assert.deepEqual([setting("DynamicUser"), setting("NoNewPrivileges")], [["yes"], ["yes"]]);
});

Deno.test("the unit forbids nothing that nethogs does", async () => {
  const setting = await readUnit();
  // V8 writes code and runs it; network namespaces are entered; instances of tracing are made.
  assert.deepEqual(setting("MemoryDenyWriteExecute"), []);
  assert.deepEqual(setting("RestrictNamespaces"), ["net"]);
  assert.deepEqual(setting("ReadWritePaths"), ["-/sys/kernel/tracing/instances"]);
  assert.deepEqual(setting("ProtectHome"), ["read-only"]);
  assert.deepEqual(setting("RestrictAddressFamilies"), ["AF_PACKET AF_NETLINK"]);
});

const lack = isInstalled("systemd-analyze") ? "" : " (needs systemd-analyze)";

Deno.test({
  name: `systemd accepts the unit${lack}`,
  ignore: lack !== "",
  fn: () => {
    const { success, stderr } = new Deno.Command("systemd-analyze", {
      args: ["verify", "--man=no", UNIT],
      env: { LC_ALL: "C" },
    }).outputSync();
    // Nothing but what a machine has to say that has other units, or no systemd at all.
    const complaints = new TextDecoder().decode(stderr).split("\n").filter((line) =>
      line.includes("nethogs.service")
    );
    assert.deepEqual([success, complaints], [true, []]);
  },
});

const lackLogrotate = isInstalled("logrotate") ? "" : " (needs logrotate)";

Deno.test({
  name: `logrotate accepts the rotation${lackLogrotate}`,
  ignore: lackLogrotate !== "",
  fn: () => {
    outputOf("logrotate", "--debug", "--state", "/dev/null", `${PACKAGING}nethogs.logrotate`);
  },
});
