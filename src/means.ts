/** By which means names are found on this host: what can be had is opened, and it is said why the rest cannot. */

import { ESRCH } from "../ffi/libc.ts";
import { type Beginners, openBeginners, type OpenedBeginners } from "./attribute/beginners.ts";
import { realtimeAheadMs, steadyMs } from "./capture/clock.ts";
import { SynWatch } from "./capture/syn_watch.ts";
import { KernelError } from "./kernel/files.ts";
import { NETLINK_SOCK_DIAG, NetlinkSocket } from "./kernel/netlink.ts";
import { type Capability, missingCapabilities, NAMES } from "./proc/capabilities.ts";
import type { ProcFs } from "./proc/procfs.ts";
import type { Means } from "./report/report.ts";
import { Conntrack } from "./sockets/conntrack.ts";
import type { Warn } from "./warn.ts";

export interface OpenedMeans {
  /** Null where the kernel does not tell who begins conversations. */
  readonly beginners: Beginners | null;
  /** Null where it is not needed, or not to be had. */
  readonly syns: SynWatch | null;
  readonly conntrack: Conntrack | null;
  readonly list: readonly Means[];
  close(): void;
}

const WITH_MACHINE_PIDS = "run with the pids of the machine (podman run --pid=host)";

/** `warn` is told, in one sentence, of what goes wrong later. */
export function openMeans(proc: ProcFs, warn: Warn = () => {}): OpenedMeans {
  const events = attempt(() => openEvents(proc, warn));
  const syns = events.opened === null ? attempt(() => new SynWatch()) : null;
  const conntrack = attempt(() => Conntrack.open());
  const list: readonly Means[] = [
    sockDiagMeans(),
    processMeans(proc),
    namespaceMeans(),
    eventMeans(events, proc),
    synMeans(events.failure, syns?.failure ?? null),
    packetMeans(events.failure),
    conntrackMeans(conntrack.failure),
  ];
  const close = (): void => {
    events.opened?.close();
    syns?.opened?.close();
    conntrack.opened?.close();
  };
  const beginners = events.opened?.beginners ?? null;
  return { beginners, syns: syns?.opened ?? null, conntrack: conntrack.opened, list, close };
}

type Attempt<T> = { readonly opened: T; readonly failure: null } | {
  readonly opened: null;
  readonly failure: string;
  /** As `KernelError` has it. */
  readonly code: string;
};

function attempt<T>(open: () => T): Attempt<T> {
  try {
    return { opened: open(), failure: null };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { opened: null, failure: error.message, code: error.code };
  }
}

/** Throws `KernelError`. */
function openEvents(proc: ProcFs, warn: Warn): OpenedBeginners {
  if (!proc.hasMachinePids) throw new KernelError("use the pids of trace events here", ESRCH);
  return openBeginners(proc, { nowMs: steadyMs, realtimeAheadMs }, warn);
}

function sockDiagMeans(): Means {
  const { failure } = attempt(() => new NetlinkSocket(NETLINK_SOCK_DIAG).close());
  const detail = "the kernel is asked which socket a conversation has";
  return means(
    "sock_diag",
    failure,
    detail,
    (why) =>
      `${why}; allow netlink in this sandbox: lists in /proc/PID/net are read instead, which takes longer`,
  );
}

function processMeans(proc: ProcFs): Means {
  const whose = proc.hasMachinePids
    ? ""
    : `, of this container's processes; ${WITH_MACHINE_PIDS} for those of others`;
  const detail = `which process holds a socket${whose}`;
  const hiding = proc.hidesProcesses ? "/proc is mounted with hidepid, and " : "";
  return means(
    "/proc/PID/fd",
    lack(NAMES),
    detail,
    (why) => `${why}: ${hiding}only this user's processes are seen`,
  );
}

function namespaceMeans(): Means {
  const detail = "network namespaces are entered, to ask for their sockets";
  return means(
    "setns",
    lack(["cap_sys_admin"]),
    detail,
    (why) => `${why}: lists in /proc/PID/net are read instead`,
  );
}

/** By the code of what failed. */
const TRACING_ADVICE: ReadonlyMap<string, string> = new Map([
  ["EBUSY", "end what else uses it, and run nethogs again"],
  ["EEXIST", "end what else uses it, and run nethogs again"],
  ["EMFILE", "run nethogs again"],
  ["ENOMEM", "free memory, and run nethogs again"],
  ["ENOSPC", "free memory, and run nethogs again"],
]);
const MOUNT_TRACING = "run as root, and with tracefs mounted (mount -t tracefs tracefs /sys/kernel/tracing)";

function eventMeans(events: Attempt<OpenedBeginners>, proc: ProcFs): Means {
  const detail = "the kernel tells who connects, sends and closes, however short it lives";
  const known = events.failure === null ? undefined : TRACING_ADVICE.get(events.code);
  const hasPids = proc.hasMachinePids || proc.hidesProcesses;
  const advice = hasPids ? known ?? MOUNT_TRACING : WITH_MACHINE_PIDS;
  return means(
    "trace events",
    events.failure,
    detail,
    (why) => `${why}; ${advice}: processes that live for milliseconds have names then, too`,
  );
}

function synMeans(events: string | null, failure: string | null): Means {
  if (events === null) {
    return { name: "SYN capture", isUsed: false, detail: "not needed beside trace events" };
  }
  const detail = "in place of trace events: sockets are looked for as soon as a connection begins";
  return means("SYN capture", failure, detail, (why) => `${why}; ${lack(["cap_net_raw"]) ?? "run as root"}`);
}

function packetMeans(events: string | null): Means {
  const detail = "frames without any other socket are named where one process alone can have sent them" +
    (events === null ? "" : ", and they are not IP or from nobody's address");
  return { name: "packet sockets", isUsed: true, detail };
}

function conntrackMeans(failure: string | null): Means {
  const detail = "what is behind translated addresses";
  const advice = lack(["cap_net_admin"]) ??
    (failure === null
      ? null
      : `${failure}; where addresses are translated, run modprobe nf_conntrack_netlink`);
  return means("conntrack", advice, detail, (why) => `${why}: translated addresses stay as they are`);
}

function means(
  name: string,
  failure: string | null,
  detail: string,
  otherwise: (why: string) => string,
): Means {
  return { name, isUsed: failure === null, detail: failure === null ? detail : otherwise(failure) };
}

/** What to do for the capabilities that are missing; null where none is. */
function lack(wanted: readonly Capability[]): string | null {
  const missing = missingCapabilities(wanted);
  return missing.length === 0 ? null : `run as root, or with ${missing.join(" and ")}`;
}
