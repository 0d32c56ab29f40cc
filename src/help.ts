/** The text of `--help`, made from the option table. */

import { OPTION_GROUPS, OPTIONS, type OptionSpec, SHELLS } from "./option_table.ts";

const WIDTH = 80;
const INDENT = 2;
const GAP = 2;

const INTRODUCTION = "Shows which process, in which container, is using the network, how much, now and in " +
  "total: every byte on the interfaces it watches, named, or with the reason why it has no name.";

const INTERFACES = "Interfaces are names (eth0), globs ('veth*', which also match interfaces that appear " +
  "later), addresses of this host, names of podman or docker networks, or all. Without any: all that are up, " +
  "except loopback.";

const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ["nethogs", "every second, on all interfaces"],
  ["nethogs -d 0.5 eth0 'veth*'", "twice a second, on some of them"],
  ["nethogs -v 3 -p nginx -p java", "two services, most received first"],
  ['nethogs -f "port 5432" --bits', "database traffic, in bits"],
  ["nethogs -j -c 10 | jq .total", "ten reports for a script"],
  ["nethogs -t -r trace.pcap", "what a capture file holds"],
  ["nethogs --replay day.json --every 1h", "who used it, hour by hour"],
  ["nethogs --alert 'sent > 50MB/s for 10s'", "tells who sends much"],
];

const STATUS: readonly (readonly [status: string, meaning: string])[] = [
  ["0", "done, also after an interrupt"],
  ["1", "could not capture, or not show a record"],
  ["2", "wrong usage"],
  ["3", "an alert was raised, with --alert-exit"],
];

export function renderHelp(): string {
  const optionRows = OPTIONS.map((spec) => [optionLabel(spec), spec.help] as const);
  const optionColumn = Math.max(...optionRows.map(([label]) => label.length));
  const sections = OPTION_GROUPS.map((group) => {
    const rows = optionRows.filter((_, i) => OPTIONS[i]?.group === group);
    return `${group}:\n${renderRows(rows, optionColumn)}`;
  });
  return [
    `Usage: nethogs [OPTION]... [INTERFACE]...\n       nethogs completions ${SHELLS.join("|")}\n`,
    `${wrap(INTRODUCTION, WIDTH).join("\n")}\n`,
    `${wrap(INTERFACES, WIDTH).join("\n")}\n`,
    ...sections,
    `Examples:\n${renderRows(EXAMPLES, Math.max(...EXAMPLES.map(([command]) => command.length)))}`,
    `Exit status:\n${renderRows(STATUS, 1)}`,
  ].join("\n");
}

/** How the option is written: "-s, --sort [KEY]"; options without a letter line up with the others. */
export function optionLabel(spec: OptionSpec): string {
  const value = spec.value === undefined ? "" : spec.valueOptional ? ` [${spec.value}]` : ` ${spec.value}`;
  if (spec.long === undefined) return `-${spec.short}${value}`;
  const short = spec.short === undefined ? "    " : `-${spec.short}, `;
  return `${short}--${spec.long}${value}`;
}

function renderRows(rows: readonly (readonly [label: string, text: string])[], column: number): string {
  const left = INDENT + column + GAP;
  const lines = rows.flatMap(([label, text]) =>
    wrap(text, WIDTH - left).map((line, i) => (i === 0 ? " ".repeat(INDENT) + label : "").padEnd(left) + line)
  );
  return lines.map((line) => `${line}\n`).join("");
}

function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line, width));
}

/** Breaks a line at spaces into lines of at most `width` characters; a longer word gets one of its own. */
function wrapLine(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line += line === "" ? word : ` ${word}`;
    }
  }
  return [...lines, line];
}
