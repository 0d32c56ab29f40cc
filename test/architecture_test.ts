/** The rules of src/README.md that a reader would otherwise have to check by eye. */

import assert from "node:assert/strict";
import { posix } from "node:path";

const ROOT = new URL("../", import.meta.url);

/** In the order of the data path: each stage imports itself and stages before it. */
const STAGES = [
  "ffi",
  "src/glob.ts",
  "src/usage_error.ts",
  "src/duration.ts",
  "src/warn.ts",
  "src/kernel",
  "src/capture",
  "src/decode",
  "src/flow",
  "src/sockets",
  "src/proc",
  "src/attribute",
  "src/report",
  "src/render",
  "src/screen",
  "src/options.ts",
  "src/metrics",
  "src/option_table.ts",
  "src/arguments.ts",
  "src/help.ts",
  "src/completions.ts",
  "src/record",
  "src/watch.ts",
  "src/printing.ts",
  "src/monitor.ts",
  "src/means.ts",
  "src/parts.ts",
  "main.ts",
] as const;

/** Imports that go against the order. Types only: nothing of them is left when the program runs. */
const TYPE_EXCEPTIONS = [
  { from: "src/render", to: "src/options.ts", why: "what the user asked to see decides how it is rendered" },
  {
    from: "src/screen",
    to: "src/options.ts",
    why: "what the user asked to see is what the screen begins with",
  },
];

/** What only main.ts may use, and the files whose very job it is. */
const OUTSIDE_WORLD = [
  { name: "arguments", pattern: /\bDeno\.args\b/, allowed: [] },
  { name: "environment", pattern: /\bDeno\.env\b|\bprocess\.env\b/, allowed: [] },
  { name: "exit", pattern: /\bDeno\.exit(Code)?\b|\bprocess\.exit\b/, allowed: [] },
  {
    name: "streams",
    pattern: /\bDeno\.(stdin|stdout|stderr|consoleSize)\b|\bconsole\.|\bprocess\.std/,
    // The live screen talks with the terminal itself.
    allowed: ["src/screen/terminal.ts", "src/screen/keyboard.ts"],
  },
  {
    name: "signals",
    pattern: /\bDeno\.addSignalListener\b/,
    allowed: ["src/screen/terminal.ts"],
  },
  {
    name: "clock",
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bset(Timeout|Interval)\b/,
    // Live captures take their time from here, so that everything after them can be replayed.
    allowed: ["src/capture/clock.ts"],
  },
];

/** What is loaded only by runs that need it: not with the file itself. */
const LOADED_WHEN_NEEDED = [
  {
    file: "main.ts",
    without: [
      ...["ffi", "src/parts.ts", "src/monitor.ts", "src/help.ts", "src/render", "src/report", "src/screen"],
      ...["src/record", "src/watch.ts", "src/printing.ts", "src/metrics"],
    ],
  },
  {
    file: "src/parts.ts",
    without: ["src/capture/live.ts", "src/capture/file.ts", "src/means.ts", "src/report/grouping.ts"],
  },
  {
    file: "src/metrics/service.ts",
    without: ["exposition", "server", "otlp"].map((n) => `src/metrics/${n}.ts`),
  },
  {
    file: "src/render/render.ts",
    without: ["trace", "json", "csv", "classic"].map((n) => `src/render/${n}.ts`),
  },
  // Without columns, the library that measures them is left where it is.
  ...["json", "csv", "classic", "printable"].map((n) => ({
    file: `src/render/${n}.ts`,
    without: ["src/render/text.ts"],
  })),
];

/** Hosts that packages come from; which one to use is for the machine to say, not for the project. */
const PACKAGE_HOSTS = new RegExp(
  [
    /\b(registry|npm|artifactory|nexus)\.[\w-]+\.[a-z]{2,}\b/,
    /\bnpmjs\.[a-z]{2,}\b/,
    /\bjsr\.io\b/,
    /\b(deb|archive|security)\.(debian|ubuntu)\./,
  ].map(({ source }) => source).join("|"),
  "i",
);

/** Folders of the project that are made, not shipped. */
const NOT_SHIPPED = [".git", ".tools", ".capture", "node_modules", "dist", "coverage"];

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** By an expression, when it is needed. */
  readonly isDynamic: boolean;
}

const IMPORT =
  /^(?:import|export)\s(type\s)?[^;"]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;

function parseImports(text: string): Import[] {
  return [...withoutComments(text).matchAll(IMPORT)].map(([, type, from, bare, dynamic]) => ({
    specifier: from ?? bare ?? dynamic ?? "",
    typeOnly: type !== undefined,
    isDynamic: dynamic !== undefined,
  }));
}

/** Good enough to look for names in: it also takes the end of a line after a "//" within a string. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
}

function isIn(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`);
}

function stageOf(file: string): number {
  return STAGES.findIndex((stage) => isIn(file, stage));
}

/** What is wrong with an import, or null. */
function judgeImport(
  file: string,
  { specifier, typeOnly }: Import,
  packages: readonly string[],
): string | null {
  const told = `${file} imports "${specifier}"`;
  if (specifier.startsWith("node:") || packages.includes(specifier)) return null;
  if (!specifier.startsWith(".")) return `${told}: packages are named in the imports of deno.json`;
  const target = posix.join(posix.dirname(file), specifier);
  // The version is stated there.
  if (file === "main.ts" && target === "deno.json") return null;
  const [stage, targetStage] = [stageOf(file), stageOf(target)];
  if (targetStage < 0) return `${told}: ${target} is in none of the stages ${STAGES.join(", ")}`;
  if (targetStage <= stage) return null;
  const excepted = typeOnly && TYPE_EXCEPTIONS.some(({ from, to }) => isIn(file, from) && target === to);
  return excepted ? null : `${told}: ${STAGES[stage]} comes before ${STAGES[targetStage]}`;
}

/** Files that are loaded with a file, whatever the run is for. */
function loadedWith(file: string, sources: readonly Source[], found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const { text = "" } = sources.find((source) => source.file === file) ?? {};
  for (const { specifier, typeOnly, isDynamic } of parseImports(text)) {
    if (typeOnly || isDynamic || !specifier.startsWith(".")) continue;
    loadedWith(posix.join(posix.dirname(file), specifier), sources, found);
  }
  return found;
}

/** Files below a folder of the project, or the file itself, as paths from the root. */
async function* filesIn(path: string): AsyncGenerator<string> {
  const info = await Deno.stat(new URL(path, ROOT)).catch(() => null);
  if (info === null) return;
  if (!info.isDirectory) return yield path;
  for await (const { name } of Deno.readDir(new URL(path, ROOT))) {
    if (!NOT_SHIPPED.includes(name)) yield* filesIn(path === "." ? name : `${path}/${name}`);
  }
}

interface Source {
  readonly file: string;
  readonly text: string;
}

async function readSources(): Promise<Source[]> {
  const sources: Source[] = [];
  for (const place of ["ffi", "src", "main.ts"]) {
    for await (const file of filesIn(place)) {
      if (file.endsWith(".ts")) sources.push({ file, text: await Deno.readTextFile(new URL(file, ROOT)) });
    }
  }
  return sources;
}

async function readPackages(): Promise<string[]> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  return Object.keys(config.imports);
}

function assertNone(violations: readonly string[]): void {
  assert(violations.length === 0, `\n${violations.join("\n")}`);
}

Deno.test("every source file belongs to a stage", async () => {
  const lost = (await readSources()).filter(({ file }) => stageOf(file) < 0);
  assertNone(lost.map(({ file }) => `${file} is in none of the stages ${STAGES.join(", ")}`));
});

Deno.test("each stage imports only stages before it", async () => {
  const packages = await readPackages();
  const violations = (await readSources()).flatMap(({ file, text }) =>
    parseImports(text).map((found) => judgeImport(file, found, packages))
  );
  assertNone(violations.filter((violation) => violation !== null));
});

Deno.test("what a run may do without is loaded only when it is needed", async () => {
  const sources = await readSources();
  const violations = LOADED_WHEN_NEEDED.flatMap(({ file, without }) =>
    [...loadedWith(file, sources)].filter((loaded) => without.some((place) => isIn(loaded, place)))
      .map((loaded) => `${loaded} is loaded with ${file}, in every run`)
  );
  assertNone(violations);
});

Deno.test("each package has one importing file", async () => {
  const sources = await readSources();
  const violations = (await readPackages()).flatMap((name) => {
    const importers = sources.filter(({ text }) =>
      parseImports(text).some(({ specifier }) => specifier === name)
    );
    return importers.length > 1
      ? [`${name} is imported by ${importers.map(({ file }) => file).join(" and ")}`]
      : [];
  });
  assertNone(violations);
});

Deno.test("only main.ts knows the process it runs in", async () => {
  const sources = (await readSources()).filter(({ file }) => file !== "main.ts");
  const violations = sources.flatMap(({ file, text }) =>
    OUTSIDE_WORLD.flatMap(({ name, pattern, allowed }) => {
      const found = (allowed as readonly string[]).includes(file)
        ? null
        : withoutComments(text).match(pattern);
      return found === null ? [] : [`${file} uses ${found[0]}: that is for main.ts alone (${name})`];
    })
  );
  assertNone(violations);
});

Deno.test("the project names no host that packages come from", async () => {
  const violations: string[] = [];
  for await (const file of filesIn(".")) {
    const found = (await Deno.readTextFile(new URL(file, ROOT))).match(PACKAGE_HOSTS);
    if (found !== null) violations.push(`${file} names ${found[0]}`);
  }
  assertNone(violations);
});

Deno.test("src/README.md mentions every folder of src", async () => {
  const readme = await Deno.readTextFile(new URL("src/README.md", ROOT)).catch(() => null);
  if (readme === null) return;
  for await (const { name, isDirectory } of Deno.readDir(new URL("src", ROOT))) {
    if (isDirectory) assert(readme.includes(`${name}/`), `src/README.md does not mention ${name}/`);
  }
});

Deno.test("parseImports() finds every form of import and none in comments", () => {
  const text = [
    'import a from "a";',
    'import type { B } from "./b.ts";',
    'import {\n  c,\n  type D,\n} from "../c.ts";',
    'export * from "./e.ts";',
    'import "f";',
    'const g = await import("g");',
    '// import h from "h";',
    '/* import i from "i"; */',
  ].join("\n");
  const found = parseImports(text).map(({ specifier, typeOnly, isDynamic }) =>
    `${specifier}${typeOnly ? " (type)" : ""}${isDynamic ? " (when needed)" : ""}`
  );
  assert.deepEqual(found, ["a", "./b.ts (type)", "../c.ts", "./e.ts", "f", "g (when needed)"]);
});

Deno.test("judgeImport() names file, import and rule", () => {
  const judge = (file: string, specifier: string, typeOnly = false): string | null =>
    judgeImport(file, { specifier, typeOnly, isDynamic: false }, ["fast-check"]);
  assert.equal(
    judge("src/decode/ipv4.ts", "../flow/table.ts"),
    'src/decode/ipv4.ts imports "../flow/table.ts": src/decode comes before src/flow',
  );
  assert.equal(
    judge("src/render/json.ts", "../options.ts"),
    'src/render/json.ts imports "../options.ts": src/render comes before src/options.ts',
  );
  assert.equal(
    judge("src/glob.ts", "npm:fast-check"),
    'src/glob.ts imports "npm:fast-check": packages are named in the imports of deno.json',
  );
  assert.match(judge("src/flow/table.ts", "../../test/lab.ts") ?? "", /is in none of the stages/);
  assert.equal(judge("src/render/json.ts", "../options.ts", true), null);
  assert.equal(judge("src/flow/table.ts", "../../ffi/libc.ts"), null);
  assert.equal(judge("src/proc/pattern.ts", "../glob.ts"), null);
  assert.equal(judge("src/glob.ts", "fast-check"), null);
  assert.equal(judge("main.ts", "./src/monitor.ts"), null);
});
