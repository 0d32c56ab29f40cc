import assert from "node:assert/strict";
import { parseOptions } from "../src/arguments.ts";
import { optionLabel, renderHelp } from "../src/help.ts";
import { OPTION_GROUPS, OPTIONS, SHELLS } from "../src/option_table.ts";
import { KEYS } from "../src/screen/press.ts";
import { isInstalled } from "./installed.ts";

const PAGE = new URL("../nethogs.8", import.meta.url);
const SCHEMA = new URL("../schema/nethogs-1.schema.json", import.meta.url);

/** What stands under a heading (.SH or .SS). */
interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** A tagged paragraph (.TP), both parts without markup. */
interface Entry {
  readonly tag: string;
  readonly text: string;
}

async function readSections(): Promise<Section[]> {
  const [, ...parts] = (await Deno.readTextFile(PAGE)).split(/^\.S[HS] /m);
  return parts.map((part) => {
    const [, title, body] = part.match(/^(.*)\n([^]*)$/)!;
    const [, ...paragraphs] = body!.split(/^\.TP\n/m);
    return { title: title!, entries: paragraphs.map(parseEntry) };
  });
}

function parseEntry(paragraph: string): Entry {
  const [tag, ...text] = paragraph.split("\n").map(withoutMarkup);
  return { tag: tag!, text: text.join(" ") };
}

/** Good enough for this page: font macros join their arguments, \- is a dash and \(aq an apostrophe. */
function withoutMarkup(line: string): string {
  const plain = line.replace(/\\f[BIR]|\\&/g, "").replaceAll("\\-", "-").replaceAll("\\(aq", "'");
  const macro = plain.match(/^\.([BIR]+) (.*)$/);
  if (macro === null) return plain;
  const args = macro[2]!.match(/"[^"]*"|[^\s"]+/g) ?? [];
  return args.map((arg) => arg.replaceAll('"', "")).join(macro[1]!.length === 1 ? " " : "");
}

async function entriesOf(title: string): Promise<readonly Entry[]> {
  const section = (await readSections()).find((one) => one.title === title);
  assert(section !== undefined, `nethogs.8 has no section ${title}`);
  return section.entries;
}

async function tagsOf(title: string): Promise<string[]> {
  return (await entriesOf(title)).map(({ tag }) => tag);
}

/** The words that a field of that kind of row can hold, null apart. */
async function wordsOfSchema(definition: string, field: string): Promise<string[]> {
  const { definitions } = JSON.parse(await Deno.readTextFile(SCHEMA));
  return definitions[definition].properties[field].enum.filter((word: string | null) => word !== null);
}

/** The first words of the rows under a heading of the help text. */
function rowsOfHelp(heading: string): string[] {
  const [, rows] = renderHelp().match(new RegExp(`^${heading}:\n((?: .*\n)*)`, "m"))!;
  return rows!.trimEnd().split("\n").map((row) => row.trim().replace(/ {2,}.*/, ""));
}

/** The words of the first command of a line that a shell would run. */
function shellWords(line: string): string[] {
  const words = line.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  const end = words.findIndex((word) => word === "|" || word === ">");
  return words.slice(0, end < 0 ? undefined : end).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

Deno.test("nethogs.8 has the headings of --help within its options, in their order", async () => {
  const titles = (await readSections()).map(({ title }) => title);
  const begin = titles.indexOf("OPTIONS") + 1;
  assert.deepEqual(titles.slice(begin, begin + OPTION_GROUPS.length), OPTION_GROUPS);
  assert.equal(titles[begin + OPTION_GROUPS.length], "SCREEN");
});

Deno.test("nethogs.8 has every option with its value, under the heading of --help, and no other", async () => {
  for (const group of OPTION_GROUPS) {
    const labels = OPTIONS.filter((spec) => spec.group === group).map((spec) => optionLabel(spec).trim());
    assert.deepEqual(await tagsOf(group), labels, group);
  }
});

Deno.test("nethogs.8 names every choice of an option", async () => {
  for (const { group, long, choices } of OPTIONS) {
    const entry = (await entriesOf(group)).find(({ tag }) => tag.includes(`--${long}`));
    const words = entry?.text.split(/[\s,.;:()]+/) ?? [];
    for (const choice of choices ?? []) assert(words.includes(choice), `--${long} does not name ${choice}`);
  }
});

Deno.test("nethogs.8 mentions no option that there is not", async () => {
  // Of options given to other programs, the page has these alone.
  const page = withoutMarkup((await Deno.readTextFile(PAGE)).replace(/jq \\-c|mount \\-t/g, ""));
  for (const [, name] of page.matchAll(/(?<![\w-])--([a-z][\w-]*)/g)) {
    assert(OPTIONS.some(({ long }) => long === name), `--${name}`);
  }
  for (const [, letter] of page.matchAll(/(?<![\w-])-([A-Za-z])(?![a-z])/g)) {
    assert(OPTIONS.some(({ short }) => short === letter), `-${letter}`);
  }
});

Deno.test("nethogs.8 explains every shell, output, reason and match", async () => {
  assert.deepEqual(await tagsOf("COMPLETIONS"), SHELLS);
  assert.deepEqual(await tagsOf("OUTPUT"), OPTIONS.find(({ long }) => long === "output")?.choices);
  assert.deepEqual(await tagsOf("BYTES WITHOUT A NAME"), await wordsOfSchema("unattributed", "reason"));
  assert.deepEqual(await tagsOf("HOW A NAME WAS FOUND"), await wordsOfSchema("flow", "match"));
});

Deno.test("nethogs.8 has every key of the screen, as its page of help has them", async () => {
  const entries = await entriesOf("SCREEN");
  assert.deepEqual(entries.map(({ tag }) => tag), KEYS.map(({ label }) => label));
  for (const [i, { help }] of KEYS.entries()) {
    assert.ok(entries[i]!.text.toLowerCase().startsWith(`${help}.`), entries[i]!.text);
  }
});

Deno.test("nethogs.8 has the exit statuses of --help", async () => {
  assert.deepEqual(await tagsOf("EXIT STATUS"), rowsOfHelp("Exit status"));
});

Deno.test("nethogs.8 has the examples of --help and further ones, all of them accepted", async () => {
  const examples = await tagsOf("EXAMPLES");
  for (const example of rowsOfHelp("Examples")) assert(examples.includes(example), example);
  for (const example of examples) {
    const [program, ...args] = shellWords(example);
    assert.equal(program, "nethogs");
    assert.match(parseOptions(args).kind, /^(run|completions)$/, example);
  }
});

Deno.test({
  name: "nethogs.8 is formatted without a warning",
  ignore: !isInstalled("groff"),
  async fn(): Promise<void> {
    const command = new Deno.Command("groff", { args: ["-man", "-Tutf8", "-ww", "-z", PAGE.pathname] });
    const { success, stderr } = await command.output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert(success);
  },
});
