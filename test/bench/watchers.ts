/** What is compared: this tool, its peers, and what capturing alone costs. */

import { NETHOGS, ROOT } from "../lab/nethogs.ts";
import { withTracing } from "../lab/tracing.ts";

/** What a program says at its end of what it saw. Null where it does not say. */
export interface Account {
  readonly packets: number | null;
  readonly bytes: number | null;
  /** Bytes that a process has; twice, where it names who is at either end. */
  readonly namedBytes: number | null;
  readonly namedEnds: 1 | 2;
  /** Packets. */
  readonly dropped: number | null;
}

const NOTHING: Account = { packets: null, bytes: null, namedBytes: null, namedEnds: 1, dropped: null };

export interface Watcher {
  readonly name: string;
  /** Of this tool: of those alone it is told how cost grows. */
  readonly isOurs?: boolean;
  /** Why it does not take part; null where it does. */
  readonly lack: () => string | null;
  readonly command: (interfaces: readonly string[]) => string[];
  /** Which stream says first that it is ready. */
  readonly isReadyOn: "stdout" | "stderr";
  readonly account: (stdout: string, stderr: string) => Account;
  /** Reading of capture files; absent where it cannot. */
  readonly replay?: (file: string) => string[];
}

export const CLASSIC = "nethogs 0.8";
export const FLOOR = "tcpdump";

const EXECUTABLE = `${ROOT}dist/nethogs`;

const OURS = {
  isOurs: true,
  isReadyOn: "stdout",
  account: accountOfOurs,
} as const;

export const WATCHERS: readonly Watcher[] = [
  {
    ...OURS,
    name: "nethogs",
    lack: () => null,
    command: (interfaces) => withTracing([...NETHOGS, "-j", ...interfaces]),
    replay: (file) => [...NETHOGS, "-j", "-r", file],
  },
  {
    ...OURS,
    name: "nethogs (executable)",
    lack: () => isFile(EXECUTABLE) ? null : "scripts/compile makes it",
    command: (interfaces) => withTracing([EXECUTABLE, "-j", ...interfaces]),
    replay: (file) => [EXECUTABLE, "-j", "-r", file],
  },
  {
    name: CLASSIC,
    lack: () => find(CLASSIC_PLACES) === null ? "apt-get install nethogs" : null,
    // Totals in bytes, of UDP too.
    command: (interfaces) => [find(CLASSIC_PLACES)!, "-t", "-C", "-v", "2", ...interfaces],
    isReadyOn: "stdout",
    account: accountOfClassic,
  },
  {
    name: "bandwhich",
    lack: () => lackOf("bandwhich", "cargo install bandwhich"),
    command: (
      [name, ...others],
    ) => ["bandwhich", "--raw", "-n", ...(others.length === 0 ? ["-i", name!] : [])],
    isReadyOn: "stdout",
    account: () => NOTHING,
  },
  {
    name: "rustnet",
    lack: () => lackOf("rustnet", "cargo install rustnet-monitor"),
    // It shows itself on a terminal only, which script(1) makes.
    command: (
      interfaces,
    ) => ["script", "-qec", `stty rows 40 cols 120; rustnet -i ${interfaces[0]}`, "/dev/null"],
    isReadyOn: "stdout",
    account: () => NOTHING,
  },
  {
    name: FLOOR,
    lack: () => lackOf("tcpdump", "apt-get install tcpdump"),
    command: (
      [name, ...others],
    ) => ["tcpdump", "-i", others.length > 0 ? "any" : name!, ..."-s 96 -w /dev/null".split(" ")],
    isReadyOn: "stderr",
    account: accountOfFloor,
    replay: (file) => ["tcpdump", "-r", file, ..."-s 96 -w /dev/null".split(" ")],
  },
];

/** A program of the same name may be this one. */
const CLASSIC_PLACES = ["/usr/sbin/nethogs", "/usr/local/sbin/nethogs"];

const PLACES = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin", "/sbin");

function lackOf(program: string, remedy: string): string | null {
  return find(PLACES.map((place) => `${place}/${program}`)) === null ? remedy : null;
}

function find(paths: readonly string[]): string | null {
  return paths.find(isFile) ?? null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

interface OurRow {
  readonly sent_total_bytes: number;
  readonly received_total_bytes: number;
}

/** The last of its lines has the totals. */
function accountOfOurs(stdout: string): Account {
  const last = stdout.trimEnd().split("\n").at(-1)!;
  if (!last.startsWith("{")) return NOTHING;
  const { interfaces, processes, total } = JSON.parse(last);
  const sum = (field: string): number =>
    interfaces.reduce((sum: number, row: Record<string, number>) => sum + row[field]!, 0);
  const bytes = (row: OurRow): number => row.sent_total_bytes + row.received_total_bytes;
  return {
    packets: sum("packets_total"),
    bytes: bytes(total) / 2,
    namedBytes: processes.reduce((sum: number, row: OurRow) => sum + bytes(row), 0),
    namedEnds: 2,
    dropped: sum("dropped_total"),
  };
}

/** NAME/PID/UID, sent, received; pid 0 where it knows no process. */
function accountOfClassic(stdout: string): Account {
  const last = stdout.slice(stdout.lastIndexOf("Refreshing:"));
  let [bytes, namedBytes] = [0, 0];
  for (const [, pid, sent, received] of last.matchAll(/\/(\d+)\/\d+\t(\S+)\t(\S+)$/gm)) {
    bytes += Number(sent) + Number(received);
    if (pid !== "0") namedBytes += Number(sent) + Number(received);
  }
  return { ...NOTHING, bytes, namedBytes };
}

function accountOfFloor(_: string, stderr: string): Account {
  const number = (pattern: RegExp): number | null => {
    const match = pattern.exec(stderr);
    return match === null ? null : Number(match[1]);
  };
  return {
    ...NOTHING,
    packets: number(/^(\d+) packets? captured/m),
    dropped: number(/^(\d+) packets? dropped by kernel/m),
  };
}
