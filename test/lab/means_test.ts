/** What `--explain` says of each means of finding names, where it may be used and where not. */

import assert from "node:assert/strict";
import type { Means } from "../../src/report/report.ts";
import { labTest } from "./lab.ts";
import { mustRun } from "./program.ts";
import { tracingTest, withoutTracing, withTracing } from "./tracing.ts";

const PROGRAM = new URL("means_program.ts", import.meta.url).pathname;
const DENO = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-ffi", "--allow-read", PROGRAM];

/** The means by their names, as the program finds them when it is started so. */
async function meansOf(
  prefix: (command: readonly string[]) => readonly string[],
): Promise<Map<string, Means>> {
  const list: Means[] = JSON.parse(await mustRun(...prefix(DENO)));
  return new Map(list.map((one) => [one.name, one]));
}

/** The command, with no capabilities but these. */
function withOnly(capabilities: readonly string[], command: readonly string[]): string[] {
  const kept = ["-all", ...capabilities.map((name) => `+${name}`)].join();
  return ["setpriv", "--bounding-set", kept, "--inh-caps", kept, ...command];
}

function inContainer(command: readonly string[]): string[] {
  return ["unshare", "--pid", "--fork", "--mount-proc", ...command];
}

function unused(list: ReadonlyMap<string, Means>): string[] {
  return [...list.values()].filter(({ isUsed }) => !isUsed).map(({ name }) => name);
}

/** Whatever is not in use says what to do about it, on one line. */
function assertAdvice(list: ReadonlyMap<string, Means>): void {
  for (const { name, isUsed, detail } of list.values()) {
    assert.doesNotMatch(detail, /\n|undefined|null/);
    if (!isUsed) assert.match(detail, /\b(run|not needed)\b/, `${name}: ${detail}`);
  }
}

labTest(
  "openMeans() has everything but trace events, and the packets in their place, without tracing",
  [],
  async () => {
    const list = await meansOf(withoutTracing);
    assert.deepEqual(unused(list), ["trace events"]);
    assert.match(
      list.get("trace events")!.detail,
      /^Cannot .*mount -t tracefs tracefs \/sys\/kernel\/tracing/,
    );
    assert.match(list.get("packet sockets")!.detail, /not IP/);
    assertAdvice(list);
  },
);

tracingTest("openMeans() needs no first packets where the kernel tells", [], async () => {
  const list = await meansOf(withTracing);
  assert.deepEqual(unused(list), ["SYN capture"]);
  assert.doesNotMatch(list.get("packet sockets")!.detail, /not IP/);
  assertAdvice(list);
});

for (
  const { capabilities, missing } of [
    {
      capabilities: [],
      missing: {
        "/proc/PID/fd": "cap_sys_ptrace and cap_dac_read_search",
        "setns": "cap_sys_admin",
        "trace events": "run as root",
        "SYN capture": "cap_net_raw",
        "conntrack": "cap_net_admin",
      },
    },
    {
      capabilities: ["net_raw", "net_admin"],
      missing: {
        "/proc/PID/fd": "cap_sys_ptrace and cap_dac_read_search",
        "setns": "cap_sys_admin",
        "trace events": "run as root",
      },
    },
    {
      capabilities: ["net_raw", "net_admin", "sys_admin", "dac_read_search"],
      missing: { "/proc/PID/fd": "cap_sys_ptrace", "trace events": "run as root" },
    },
  ]
) {
  const kept = capabilities.length === 0 ? "no capabilities" : `nothing but ${capabilities.join(", ")}`;
  labTest(`openMeans() says what is needed by one that has ${kept}`, ["setpriv"], async () => {
    const list = await meansOf((command) => withoutTracing(withOnly(capabilities, command)));
    assert.deepEqual(unused(list), Object.keys(missing));
    for (const [name, advice] of Object.entries(missing)) {
      assert.ok(list.get(name)!.detail.includes(advice), list.get(name)!.detail);
    }
    assertAdvice(list);
  });
}

labTest("openMeans() says how to see more than the processes of a container", [], async () => {
  const list = await meansOf((command) => withTracing(inContainer(command)));
  assert.deepEqual(unused(list), ["trace events"]);
  for (const name of ["trace events", "/proc/PID/fd"]) {
    assert.match(list.get(name)!.detail, /run with the pids of the machine/);
  }
  assertAdvice(list);
});
