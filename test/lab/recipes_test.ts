/** The README's recipes, as they are written there: each is typed into a shell, on a host with traffic. */

import assert from "node:assert/strict";
import { Lab, labTest, type Namespace, typed, within } from "./lab.ts";
import { LAUNCHER, makeNethogsPath, ROOT } from "./nethogs.ts";
import { run } from "./program.ts";
import { Traffic } from "./traffic.ts";

/** What a recipe leaves in the folder where it is typed. */
const FILES: readonly (readonly [part: string, name: RegExp])[] = [
  ["2>> hogs.log", /^hogs\.log$/],
  ["> day.json", /^day\.json$/],
  ["> day.csv", /^day\.csv$/],
  ["split", /^nethogs\.json\.00\.gz$/],
  ['> "nethogs-$(date', /^nethogs-\d{4}-\d\d-\d\d-\d\d\.json$/],
];

/** What prints nothing where nobody uses that much. */
const QUIET = /> 1000|> \/dev\/null|> day|1TB|split|date \+%F/;

/** A record, for the recipes that show one. */
const RECORD = "day.json";

/** Ends a run that would go on, and does not make anybody wait; a record has an end, and intervals of its own. */
const BRIEF = '$(case " $* " in *" --replay "*) ;; *) echo -d 0.4 -c 2 ;; esac)';

/** What can be typed of a section of the README, line by line. */
async function readRecipes(section: string): Promise<string[]> {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const text = new RegExp(`^## ${section}\\n([^]*?)^## `, "m").exec(readme)?.[1] ?? "";
  const blocks = [...text.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block]) => block!);
  return blocks.flatMap((block) => block.split("\n")).filter((line) => /^[^#]/.test(line));
}

async function talk(
  lab: Lab,
  host: Namespace,
  name: string,
  [address, remoteAddress]: [string, string],
): Promise<void> {
  const task = {
    role: "udp",
    isConnected: false,
    datagrams: 60_000,
    size: 100,
    datagramsPerSecond: 1000,
  } as const;
  const traffic = await Traffic.start(lab, host, name, { ...task, address, remoteAddress });
  await traffic.begin(9);
}

labTest("the README's recipes work as they are written", ["gawk", "jq", "tcpdump"], async () => {
  const recipes = await readRecipes("Recipes");
  assert.ok(recipes.length > 10, `only ${recipes.length} recipes`);
  await using lab = await Lab.open();
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  const [near, far] = await lab.pair(host, peer, "podman0");
  for (const name of ["nginx", "istio-proxy"]) await talk(lab, host, name, [near.ipv4, far.ipv4]);
  const path = await makeNethogsPath(lab, `${LAUNCHER} "$@" ${BRIEF}`);
  const recorded = await typed(host, "nethogs -j --connections", { cwd: lab.directory, env: { PATH: path } });
  for (const recipe of recipes) {
    const directory = await Deno.makeTempDir({ dir: lab.directory });
    const isReplay = recipe.includes(`${RECORD} `) && !recipe.includes(`> ${RECORD}`);
    if (isReplay) await Deno.writeTextFile(`${directory}/${RECORD}`, recorded.stdout);
    const { code, stdout, stderr } = await typed(host, recipe, { cwd: directory, env: { PATH: path } });
    const told = `$ ${recipe}\n${stdout}${stderr}`;
    if (recipe.startsWith("tcpdump")) {
      // It ends by the signal that tells it that its reader went away.
      assert.match(stderr, /^tcpdump: [^]*listening on any/, told);
    } else {
      assert.deepEqual([code, stderr.replace(/^nethogs: No interface .*\n/, "")], [0, ""], told);
    }
    assert.equal(stdout === "", QUIET.test(recipe), told);
    const wanted = FILES.find(([part]) => recipe.includes(part))?.[1];
    const left = [...Deno.readDirSync(directory)].map(({ name }) => name)
      .filter((name) => !(isReplay && name === RECORD));
    assert.equal(left.length, wanted === undefined ? 0 : 1, told);
    if (wanted !== undefined) assert.match(left[0]!, wanted);
  }
  // What is counted is there, by name.
  const { stdout } = await run(within(host, [LAUNCHER, "-j", "-c", "1"]), { env: { PATH: path } });
  assert.match(stdout, /"name":"nginx"/);
});

/** What is said at the start, once, where metrics are served. */
const SERVED = /^nethogs: Metrics are at http:\/\/\S+:99\d\d\/metrics\n?$/;

labTest("the README's commands for monitoring work as they are written", ["curl", "promtool"], async () => {
  const commands = await readRecipes("Monitoring");
  await using lab = await Lab.open();
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  const [near, far] = await lab.pair(host, peer);
  await talk(lab, host, "nginx", [near.ipv4, far.ipv4]);
  const env = { PATH: await makeNethogsPath(lab, `${LAUNCHER} "$@" -d 0.4 -c 2`) };
  const cwd = lab.directory;
  const [runs, questions] = [
    commands.filter((line) => line.includes("nethogs ")),
    commands.filter((line) => line.startsWith("curl")),
  ];
  assert.deepEqual([runs.length, questions.length, commands.length], [4, 2, 6]);
  for (const command of runs) {
    const { code, stdout, stderr } = await typed(host, command, { cwd, env });
    const isServing = command.includes("--listen");
    assert.deepEqual([code, stdout === ""], [0, isServing], `$ ${command}\n${stdout}${stderr}`);
    if (isServing) assert.match(stderr, SERVED);
    else assert.equal(stderr, "");
  }
  assert.match(await Deno.readTextFile(`${cwd}/nethogs.json`), /"name":"nginx"/);
  const served = lab.start(within(host, [LAUNCHER, "--listen", "9911", "-d", "0.4"]), { env });
  await served.stderr.until(SERVED);
  for (const question of questions) {
    const { code, stdout, stderr } = await typed(host, question, { cwd, env });
    assert.deepEqual([code, stdout, stderr], [0, question.endsWith("/healthz") ? "ok\n" : "", ""], question);
  }
  assert.equal((await served.signal("SIGTERM")).code, 0);
});
