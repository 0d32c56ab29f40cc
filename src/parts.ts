/** Options become the parts that the monitor runs; those that a run may do without are loaded when it does not. */

import { Attribution } from "./attribute/attribution.ts";
import { SocketHolders } from "./attribute/socket_holders.ts";
import { spentMs, steadyMs } from "./capture/clock.ts";
import type { FrameSource } from "./capture/source.ts";
import { Intake } from "./flow/intake.ts";
import { FlowTable } from "./flow/table.ts";
import { hostName } from "./kernel/host.ts";
import { mapLargeBlocksApart } from "./kernel/memory.ts";
import type { OpenedMeans } from "./means.ts";
import type { Parts } from "./monitor.ts";
import type { Options } from "./options.ts";
import { CAPTURE, missingCapabilities, NAMES, setcapCommand } from "./proc/capabilities.ts";
import { ContainerNames } from "./proc/container_names.ts";
import { ProcFs } from "./proc/procfs.ts";
import type { Grouping } from "./report/grouping.ts";
import { Ledger } from "./report/ledger.ts";
import { processFilter } from "./report/process_filter.ts";
import { Namespaces } from "./sockets/namespaces.ts";
import type { Warn } from "./warn.ts";

/** `warn` is told, in one sentence, of what does not end the run. Throws what the sources throw. */
export async function buildParts(options: Options, warn: Warn): Promise<Parts> {
  mapLargeBlocksApart();
  const isWanted = processFilter(options.processPatterns, options.pids);
  // With another host's /proc, the files of container runtimes are that host's.
  const root = options.procRoot === "/proc" ? "" : `${options.procRoot}/1/root`;
  const source = await openSource(options, root, warn);
  const table = new FlowTable(options.maxFlows);
  const intake = new Intake(table, source.addresses);
  const proc = new ProcFs(options.procRoot, warn);
  const holders = new SocketHolders(proc, steadyMs, spentMs);
  const namespaces = new Namespaces(options.procRoot, source.addresses, source.broadcasts, steadyMs, warn);
  const means = options.readFile === null ? await meansOfHost(proc, warn) : MEANS_OF_FILE;
  const { beginners, syns, conntrack } = means;
  for (const fd of [beginners?.fd, syns?.fd]) if (fd !== undefined) source.watch(fd);
  const attribution = new Attribution({
    table,
    source,
    namespaces,
    conntrack,
    holders,
    beginners,
    syns,
    proc,
    nowMs: steadyMs,
    spentMs,
  });
  const containers = new ContainerNames({ root, procRoot: options.procRoot, nowMs: steadyMs });
  const host = hostName();
  // On the screen it is decided while it runs.
  const withFlows = options.connections || options.output === "screen" ||
    options.labels?.includes("interface") === true;
  const { maxProcesses } = options;
  const ledger = new Ledger(
    { host, source, table, intake, namespaces, attribution, containers, isWanted, withFlows, maxProcesses },
    await groupingsOf(options),
    options.by,
  );
  const close = (): void => {
    source.close();
    means.close();
    namespaces.close();
  };
  return { source, table, intake, attribution, ledger, means: means.list, close };
}

async function groupingsOf({ by, output }: Options): Promise<Grouping[]> {
  if (by === "process" && output !== "screen") return [];
  const { Grouping, GROUPING_KEYS } = await import("./report/grouping.ts");
  return GROUPING_KEYS.filter((key) => output === "screen" || key === by).map((key) => new Grouping(key));
}

async function meansOfHost(proc: ProcFs, warn: Warn): Promise<OpenedMeans> {
  const { openMeans } = await import("./means.ts");
  return openMeans(proc, warn);
}

const MEANS_OF_FILE: OpenedMeans = {
  ...{ beginners: null, syns: null, conntrack: null },
  list: [{ name: "sockets", isUsed: false, detail: "those of a capture file's frames are not to be had" }],
  close: () => {},
};

async function openSource(
  options: Options,
  root: string,
  warn: Warn,
): Promise<FrameSource> {
  const { delayMs, filter, promiscuous, readFile, speed } = options;
  if (readFile !== null) {
    const { FileSource } = await import("./capture/file.ts");
    return new FileSource(readFile, { delayMs, filter, speed });
  }
  const [{ interfacesOfNetwork }, { InterfaceSelection }, { LiveSource }] = await Promise.all([
    import("./capture/networks.ts"),
    import("./capture/selection.ts"),
    import("./capture/live.ts"),
  ]);
  const selection = InterfaceSelection.of(
    options.interfaces,
    options.all,
    (name) => interfacesOfNetwork(name, root),
  );
  const source = new LiveSource(selection, { delayMs, filter, promiscuous, warn });
  const missing = missingCapabilities(NAMES);
  if (missing.length > 0) {
    warn(
      `Without ${missing.join(" and ")}, processes of other users stay unnamed; ` +
        `run as root, or once: ${setcapCommand()}`,
    );
  }
  return source;
}

/** What to do where capturing was refused. */
export function permissionAdvice(): string {
  const missing = missingCapabilities(CAPTURE);
  const lack = missing.length > 0 ? `this needs ${missing.join(" and ")}; ` : "";
  return `${lack}run as root, or once: ${setcapCommand()}`;
}
