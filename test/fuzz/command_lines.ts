/** What users write: command lines, and in them patterns and filters. */

import assert from "node:assert/strict";
import { parseOptions, UsageError } from "../../src/arguments.ts";
import { CaptureError } from "../../src/capture/errors.ts";
import { FileSource } from "../../src/capture/file.ts";
import { InterfaceSelection } from "../../src/capture/selection.ts";
import { compileGlob, isGlob } from "../../src/glob.ts";
import { addressText, parseAddress } from "../../src/kernel/address.ts";
import { processFilter } from "../../src/report/process_filter.ts";
import { OPTIONS } from "../../src/option_table.ts";
import { networkInterface } from "../capture/sample_interfaces.ts";
import { withFile } from "../capture/capture_file.ts";
import { SAMPLE } from "../pipeline/sample_capture.ts";
import { type Target, textTarget } from "./target.ts";

/** No argument has one in it. */
const NUL = "\0";

function line(...args: readonly string[]): string {
  return args.join(NUL);
}

const COMMAND_LINES = {
  nothing: "",
  usual: line("-t", "-d", "1", "eth0", "lo"),
  joined: line("-td1", "-c10", "-sreceived", "-v3", "--", "-eth0"),
  long: line("--json", "--delay=0.5", "--count", "3", "--process=python", "--pid=4711", "--by", "container"),
  filter: line("-f", "port range 8000-8100", "-a"),
  file: line("-r", "a.pcap", "-o", "csv", "--connections"),
  clash: line("-r", "a.pcap", "eth0"),
  slip: line("-json", "--jsn", "-Z", "--delay"),
  shell: line("completions", "bash"),
  help: line("-h", "--version"),
};

/** Options or a `UsageError`, whose message is one line. */
function parseCommandLine(text: string): void {
  const args = text === "" ? [] : text.split(NUL);
  try {
    const invocation = parseOptions(args);
    if (invocation.kind !== "run") return;
    const { delayMs, count, pids, interfaces } = invocation.options;
    assert.ok(delayMs >= 10 && delayMs <= 1e12, `delayMs is ${delayMs}`);
    assert.ok(count === null || Number.isSafeInteger(count) && count > 0, `count is ${count}`);
    assert.ok(pids.every((pid) => Number.isSafeInteger(pid) && pid > 0));
    assert.equal(new Set(interfaces).size, interfaces.length);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    assert.doesNotMatch(error.message, /[\n\r]/);
  }
}

const PATTERNS = {
  substring: line("python", "python3.11"),
  glob: line("systemd-*", "systemd-networkd"),
  anyOne: line("k?orker/0:1", "kworker/0:1"),
  set: line("[!a-c]x[[:digit:]]", "dx7"),
  path: line("/usr/**/p[a-y]*", "/usr/bin/python3"),
  escaped: line("\\*\\[a]{b,c}(d|e)", "*[a]{b,c}(d|e)"),
  pid: line("4711", "x"),
  nameMadeToKeepItBusy: line("*a*a*a*a*b", "a".repeat(500)),
  backslashesWithoutEnd: line("\\".repeat(300)),
};

/** A pattern is matched with a text, as that of a process and of an interface. */
function match(text: string): void {
  const [pattern = "", name = ""] = text.split(NUL);
  if (pattern === "") return;
  const isMatch = compileGlob(pattern);
  assert.equal(typeof isMatch(name), "boolean");
  if (!isGlob(pattern) && !pattern.includes("\\")) assert.ok(isMatch(pattern), "A text matches itself");
  const filter = processFilter([pattern], []);
  const process = {
    ...{
      pid: 4711,
      startTicks: 1,
      startTimeMs: 0,
      comm: name,
      name,
      exe: name,
      argv0: name,
      commandLine: name,
    },
    ...{ uid: 0, user: null, netns: null, unit: name, container: null },
  };
  assert.equal(typeof filter?.(process, null), "boolean");
  const selection = InterfaceSelection.of([pattern], false, () => []);
  const candidate = networkInterface(1, name);
  selection.update([candidate]);
  selection.matches(candidate);
  for (const unmatched of selection.unmatched([candidate])) selection.explain(unmatched, true);
}

const ADDRESSES = {
  v4: "192.0.2.1",
  v6: "2001:db8::1",
  mapped: "::ffff:192.0.2.1",
  unspecified: "::",
  whole: "1:2:3:4:5:6:7:8",
};

/** What is an address has a text, which is the same address. */
function readAddress(text: string): void {
  const words = parseAddress(text);
  if (words !== null) assert.deepEqual(parseAddress(addressText(words)), words);
}

/**
 * Words of filters. None is a name that somebody would have to be asked for, nor can two of them become one.
 */
const FILTER_WORDS = [
  ...["tcp", "udp", "ip", "ip6", "icmp", "arp", "ether", "vlan", "mpls", "pppoes", "multicast", "broadcast"],
  ...[
    "host",
    "net",
    "port",
    "src",
    "dst",
    "src or dst",
    "proto",
    "inbound",
    "outbound",
    "gateway",
    "less",
    "greater",
  ],
  ...[
    "and",
    "or",
    "not",
    "!",
    "(",
    ")",
    "[",
    "]",
    ":",
    "=",
    "!=",
    "<",
    ">",
    "&",
    "|",
    "+",
    "-",
    "*",
    "/",
    "<<",
    "len",
  ],
  ...[
    "0",
    "1",
    "4",
    "80",
    "443",
    "65535",
    "65536",
    "4294967295",
    "0xff",
    "portrange 1-2",
    "port range 8000-8100",
  ],
  ...["192.0.2.1", "10.0.0.0/8", "2001:db8::1", "2001:db8::/32", "ether host 02:00:00:00:00:01", "tcp[13]"],
] as const;

/** Each byte stands for a word. */
function filterOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => FILTER_WORDS[byte % FILTER_WORDS.length]).join(" ");
}

function filterBytes(...words: readonly typeof FILTER_WORDS[number][]): Uint8Array {
  return Uint8Array.from(words, (word) => FILTER_WORDS.indexOf(word));
}

const FILTERS = {
  port: filterBytes("tcp", "and", "port", "443"),
  group: filterBytes("not", "(", "host", "192.0.2.1", "or", "net", "10.0.0.0/8", ")"),
  flags: filterBytes("tcp[13]", "&", "4", "!=", "0"),
  arithmetic: filterBytes("ip", "[", "0", "]", "<<", "4", ">", "len", "-", "80"),
  tagged: filterBytes("vlan", "1", "and", "mpls", "and", "ip6"),
  range: filterBytes("port range 8000-8100"),
};

/** libpcap takes the filter, or says what is wrong with it. */
async function filterFile(bytes: Uint8Array): Promise<void> {
  // Longer ones take libpcap's optimizer minutes.
  const invocation = orUsageError(["-f", filterOf(bytes.subarray(0, 40)), "-r", "x"]);
  if (invocation === null || invocation.kind !== "run") return;
  await withFile(SAMPLE, (path) => {
    try {
      new FileSource(path, invocation.options).close();
    } catch (error) {
      assert.ok(error instanceof CaptureError && error.kind === "filter", String(error));
    }
  });
}

function orUsageError(args: readonly string[]): ReturnType<typeof parseOptions> | null {
  try {
    return parseOptions(args);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

/** Options as they are written, each an argument of its own. */
const OPTION_WORDS = OPTIONS.flatMap(({ short, long }) => [
  ...(short === undefined ? [] : [`\0-${short}`, `\0-${short}\0`]),
  ...(long === undefined ? [] : [`\0--${long}`, `\0--${long}=`, `\0-${long}\0`]),
]);

export const COMMAND_LINE_TARGETS: readonly Target[] = [
  textTarget({
    name: "command-lines",
    corpus: COMMAND_LINES,
    words: [...OPTION_WORDS, "\0--\0", "\0completions\0", "=", "\0total-mb", "\0name", "0.0099", "1e9"],
    runs: 1500,
    run: parseCommandLine,
  }),
  textTarget({
    name: "patterns",
    corpus: PATTERNS,
    words: [
      "**",
      "[[:alpha:]]",
      "[[:nothing:]]",
      "[z-a]",
      "[!",
      "[^",
      "]",
      "?",
      "\\",
      "\\\\",
      "!(a)",
      "@(a|b)",
      "{1..9}",
      "./",
      "..",
      "$",
      "^",
      "(?:",
    ],
    runs: 1000,
    run: match,
  }),
  textTarget({
    name: "addresses",
    corpus: ADDRESSES,
    words: ["::", "ffff", "1.2.3.4"],
    runs: 1500,
    run: readAddress,
  }),
  { name: "filters", corpus: FILTERS, runs: 300, run: filterFile },
];
