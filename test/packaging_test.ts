/** What a system is given to run nethogs by itself. */

import assert from "node:assert/strict";
import { parseOptions } from "../src/arguments.ts";
import { CAPTURE, NAMES } from "../src/proc/capabilities.ts";
import { isInstalled, outputOf } from "./installed.ts";

const PACKAGING = new URL("../packaging/", import.meta.url).pathname;

async function readUnit(): Promise<Map<string, string>> {
  const lines = (await Deno.readTextFile(`${PACKAGING}nethogs.service`)).split("\n");
  return new Map(lines.flatMap((line) => {
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, value!]];
  }));
}

Deno.test("the unit runs a command that nethogs accepts, and whose log is rotated", async () => {
  const unit = await readUnit();
  const [program, ...args] = unit.get("ExecStart")!.split(" ");
  assert.equal(program, "/usr/local/bin/nethogs");
  const invocation = parseOptions(args);
  assert.ok(invocation.kind === "run");
  assert.deepEqual([invocation.options.output, invocation.options.count], ["json", null]);
  const log = unit.get("StandardOutput")!.replace(/^append:/, "");
  assert.ok((await Deno.readTextFile(`${PACKAGING}nethogs.logrotate`)).startsWith(`${log} {\n`));
});

Deno.test("the unit leaves nethogs the capabilities that it uses, and no others", async () => {
  const bound = (await readUnit()).get("CapabilityBoundingSet")!.toLowerCase().split(" ").sort();
  assert.deepEqual(bound, [...CAPTURE, ...NAMES, "cap_dac_override", "cap_sys_admin"].sort());
});

const lack = isInstalled("systemd-analyze") ? "" : " (needs systemd-analyze)";

Deno.test({
  name: `systemd accepts the unit${lack}`,
  ignore: lack !== "",
  fn: async () => {
    const directory = await Deno.makeTempDir({ prefix: "nethogs-unit-" });
    try {
      const text = await Deno.readTextFile(`${PACKAGING}nethogs.service`);
      // It looks for the executable, which is not installed here.
      const unit = `${directory}/nethogs.service`;
      await Deno.writeTextFile(unit, text.replace("/usr/local/bin/nethogs", "/bin/true"));
      assert.equal(outputOf("systemd-analyze", "verify", "--man=no", unit), "");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
