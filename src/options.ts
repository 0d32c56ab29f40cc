/** What the user asked for, as a plain value. */

import type { GroupKey } from "./report/report.ts";

export type Output = "screen" | "text" | "json" | "csv" | "classic";

/** How amounts are shown; `unit` "auto" scales each amount by itself. */
export interface View {
  readonly kind: "rate" | "total";
  readonly unit: "auto" | "b" | "kb" | "mb" | "gb";
}

/** What series of metrics are told apart by. */
export type Label = "process" | "container" | "pod" | "namespace" | "unit" | "user" | "interface";

/** An IP address of this host, and a port; 0 for any that is free. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

export type SortKey = "sent" | "received" | "total" | "pid" | "name";

export interface Options {
  /** Names, globs, addresses, network names or "all", as given; empty for every interface that is up but loopback. */
  readonly interfaces: readonly string[];
  readonly all: boolean;
  /** Null where nothing was said: the screen on a terminal, text elsewhere. */
  readonly output: Output | null;
  readonly delayMs: number;
  /** Reports after which to stop; null for no end. */
  readonly count: number | null;
  readonly view: View;
  /** Show bit/s (SI) instead of bytes (1 KB = 1024 bytes). */
  readonly bits: boolean;
  readonly sort: SortKey;
  readonly processPatterns: readonly string[];
  readonly pids: readonly number[];
  /** What the rows are about. */
  readonly by: GroupKey;
  /** libpcap filter expression; null for none. */
  readonly filter: string | null;
  readonly commandLine: boolean;
  readonly basename: boolean;
  readonly promiscuous: boolean;
  readonly connections: boolean;
  /** Say how names were found. */
  readonly explain: boolean;
  /** Where to serve metrics; null for nowhere. */
  readonly listen: ListenAddress | null;
  /** Labels of metrics; null where nothing was said. */
  readonly labels: readonly Label[] | null;
  /** How many series of metrics have names, of each kind; null where nothing was said. */
  readonly top: number | null;
  /** Capture file to read instead of interfaces. */
  readonly readFile: string | null;
  /** How many times as fast as the file's own time it is read; null for as fast as it goes. */
  readonly speed: number | null;
  /** So many conversations are kept apart. */
  readonly maxFlows: number;
  /** So many processes are kept apart, as far as they have exited. */
  readonly maxProcesses: number;
  /** What nethogs recorded, to be shown instead of interfaces; "-" for standard input. */
  readonly replayFile: string | null;
  /** Which part of the record, as given; null for no bound. */
  readonly since: string | null;
  readonly until: string | null;
  /** One report of the record for each such time; null for its own. */
  readonly everyMs: number | null;
  /** Rules, as given. */
  readonly alerts: readonly string[];
  /** The exit status tells whether one was raised. */
  readonly alertExit: boolean;
  /** Mount point of procfs. */
  readonly procRoot: string;
}
