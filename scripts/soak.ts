/**
 * What three runs of the tool take of this machine, while connections, processes and network namespaces come and go
 * for as long as one likes; as root, on namespaces of its own.
 *
 *     deno task soak [--minutes N]
 *
 * A line each half minute; in the end what memory grew by in the second half, and what is left over. The exit status is 1
 * when a run did not last, or anything is left.
 */

import { OUTPUTS, type Sample, slopePerMinute, soak, type Use } from "../test/lab/soak.ts";
import { argumentsOrExit, positiveOrExit } from "./arguments.ts";

const USAGE = "deno task soak [--minutes N]";

const SAMPLE_EVERY_S = 30;

function cells({ rssKb, anonymousKb, descriptors, threads, namespaces }: Use): string {
  const figures = [rssKb, anonymousKb, descriptors, threads, namespaces];
  return figures.map((figure, i) => String(figure).padStart(WIDTHS[i]!)).join(" ");
}

const TITLES = ["RSS KB", "anon KB", "fds", "threads", "netns"] as const;
const WIDTHS = [8, 8, 4, 7, 5] as const;

function printTitles(): void {
  const titles = TITLES.map((title, i) => title.padStart(WIDTHS[i]!)).join(" ");
  console.log(`${" ".repeat(6)} ${OUTPUTS.map((output) => ` | ${output.padEnd(titles.length)}`).join("")}`);
  console.log(`${"s".padStart(6)} ${OUTPUTS.map(() => ` | ${titles}`).join("")}`);
}

function printSample({ atS, uses }: Sample): void {
  console.log(`${atS.toFixed(0).padStart(6)} ${uses.map((use) => ` | ${cells(use)}`).join("")}`);
}

const { values } = argumentsOrExit(USAGE, {
  args: Deno.args,
  options: { minutes: { type: "string", default: "20" } },
});
const minutes = positiveOrExit(USAGE, "minutes", values.minutes);
printTitles();
const soaked = await soak(minutes * 60, SAMPLE_EVERY_S, printSample);
const { samples, before, after, exits, lingering, leftOver, connections, processes, namespaces } = soaked;
console.log(`${connections} connections, ${processes} processes, ${namespaces} namespaces came and went`);
const secondHalf = samples.slice(Math.floor(samples.length / 2));
for (const [i, output] of OUTPUTS.entries()) {
  const slope = (figure: "rssKb" | "anonymousKb" | "descriptors"): string =>
    slopePerMinute(secondHalf.map(({ atS, uses }) => ({ atS, value: uses[i]![figure] }))).toFixed(1);
  const { cpuS } = after.uses[i]!;
  console.log(
    `${output}: in the second half RSS ${slope("rssKb")} KB/min, anonymous ${slope("anonymousKb")} KB/min, ` +
      `descriptors ${slope("descriptors")}/min; ${(cpuS / after.atS * 100).toFixed(1)} % of a processor, ` +
      `status ${exits[i]!.code}, ${exits[i]!.stderr.split("\n").length - 1} warnings`,
  );
}
const more = before.uses.map((use, i) => after.uses[i]!.descriptors - use.descriptors);
console.log(
  `descriptors more than before: ${more.join(", ")}; left over: ${leftOver.join(", ") || "nothing"}`,
);
if (lingering.length > 0) console.log(`others keep the other end of ${lingering.join(", ")}`);
Deno.exit(exits.every(({ code }) => code === 0) && leftOver.length === 0 ? 0 : 1);
