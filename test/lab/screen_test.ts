/** The live screen on a real terminal, with real traffic: every key, and whatever may end it. */

import assert from "node:assert/strict";
import { SAMPLE } from "../pipeline/sample_capture.ts";
import { linesOfRecord, runOf } from "../record/recorded.ts";
import { type End, Lab, labTest, within } from "./lab.ts";
import { NETHOGS } from "./nethogs.ts";
import { Tmux } from "./tmux.ts";
import { Traffic } from "./traffic.ts";

/** RFC 863 */
const DISCARD = 9;
/** Longer than any of these tests takes. */
const SECONDS = 120;

interface Watched {
  readonly lab: Lab;
  readonly near: End;
  readonly far: End;
  readonly terminal: Tmux;
}

/** Sends all the time to the discard port, where somebody takes it. */
async function talk(lab: Lab, [near, far]: readonly [End, End], name: string, size: number): Promise<void> {
  const rate = 50;
  const sender = await Traffic.start(lab, near.namespace, name, {
    ...{ role: "udp", isConnected: true, address: near.ipv4, remoteAddress: far.ipv4, size },
    ...{ datagrams: SECONDS * rate, datagramsPerSecond: rate },
  });
  await sender.begin(DISCARD);
}

async function listen(lab: Lab, [near, far]: readonly [End, End]): Promise<void> {
  await Traffic.start(lab, far.namespace, "sink", {
    ...{ role: "udp", isConnected: false, address: far.ipv4, remoteAddress: near.ipv4, port: DISCARD },
    ...{ datagrams: 0, size: 0 },
  });
}

function screenTest(
  name: string,
  args: readonly string[],
  test: (watched: Watched) => Promise<void>,
): void {
  labTest(name, ["tmux", "dash"], async () => {
    await using lab = await Lab.open();
    const [host, peer] = [await lab.namespace(), await lab.namespace()];
    const ends = await lab.pair(host, peer);
    await using terminal = await Tmux.open(...within(host, ["dash", "-i"]));
    await terminal.type("PS1='ready> '; clear");
    await terminal.shows(/^ready>$/m);
    await listen(lab, ends);
    await Promise.all([talk(lab, ends, "alpha", 900), talk(lab, ends, "beta", 100)]);
    await terminal.type([...NETHOGS, ...args, ends[0].name].map((word) => `'${word}'`).join(" "));
    await test({ lab, near: ends[0], far: ends[1], terminal });
  });
}

/** The lines of the table, from the titles to the total. */
function tableOf(text: string): string[] {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => /▾(SENT|RECEIVED)|SENT/.test(line));
  return lines.slice(first, lines.findIndex((line) => line.startsWith("TOTAL")) + 1);
}

const BOTH = /\balpha\b[^]*\bbeta\b/;

screenTest(
  "the screen names who sends, and answers every key",
  ["-d", "0.5"],
  async ({ terminal, near, far }) => {
    await terminal.shows(BOTH);
    assert.match(await terminal.text(), /^q quit {2}s sent/m);

    await terminal.press("?");
    await terminal.shows(/filter as you type/);
    await terminal.press("?", "i");
    await terminal.shows(new RegExp(`^INTERFACE[^]*${near.name}`, "m"));
    await terminal.press("i");
    await terminal.shows(BOTH);

    await terminal.press("s");
    await terminal.shows(/alpha[^]*beta[^]*sink/);
    await terminal.press("Down", "Enter");
    await terminal.shows(new RegExp(`alpha[^]*udp .*${far.ipv4.replaceAll(".", "\\.")}:9`));
    await terminal.press("Enter");
    await terminal.shows((text) => !text.includes(`${far.ipv4}:9`));

    await terminal.press("g", "g", "g", "g", "g");
    await terminal.shows(new RegExp(`^REMOTE[^]*${far.ipv4.replaceAll(".", "\\.")}`, "m"));
    await terminal.press("g", "g");
    await terminal.shows(new RegExp(`^INTERFACE[^]*${near.name} +3`, "m"));
    await terminal.press("g");
    await terminal.shows(BOTH);

    await terminal.press("/", "b", "e", "t");
    await terminal.shows((text) => text.includes("beta") && !text.includes("alpha"));
    await terminal.press("Escape");
    await terminal.shows(BOTH);

    await terminal.press("m", "m", "m", "m");
    await terminal.shows(/beta.*\d KB *\d+ B$/m);
    await terminal.press("m", "m", "m", "m", "u");
    await terminal.shows(/alpha.* kbit\/s/);
    await terminal.press("u", "T");
    await terminal.shows(/TOT SENT/);
    await terminal.press("T", "l");
    await terminal.shows(/\/tmp\/.*…/);
    await terminal.press("l", "r");
    await terminal.shows(/ ▾RECEIVED/);
    await terminal.press("s");
    await terminal.shows(/ ▾SENT/);
    await terminal.press("t", "+");
    await terminal.shows(/every 1 s/);
    await terminal.press("-", "-");
    await terminal.shows(/every 0\.2 s/);

    await terminal.press("Space");
    await terminal.shows(/PAUSED/);
    await terminal.press("p");
    await terminal.shows((text) => !text.includes("PAUSED"));

    await terminal.resize(62, 20);
    await terminal.shows((text) =>
      text.split("\n").some((line) => line.startsWith("q quit") && line.endsWith("help"))
    );
    await terminal.shows(BOTH);
    await terminal.resize(40, 10);
    await terminal.shows(/40x10 is too small/);
    await terminal.resize(120, 40);
    await terminal.shows((text) => tableOf(text).length > 30 && BOTH.test(text));

    await terminal.press("q");
    await terminal.shows(/^ready>$/m);
  },
);

screenTest(
  "a key is answered at once, however long the interval",
  ["-d", "100", "--connections"],
  async ({ terminal }) => {
    await terminal.shows(/the first report comes after 100 s/);
    // The interval under way ends when it has lasted as long as it is to last now.
    for (let steps = 0; steps < 6; steps++) await terminal.press("-");
    await terminal.shows(/every 1 s/);
    await terminal.shows(BOTH);
    for (let steps = 0; steps < 6; steps++) await terminal.press("+");
    await terminal.shows(/every 60 s/);
    await terminal.press("g", "/", "x");
    await terminal.shows(/^ \/ x_/m);
    // A key right behind it would be one that is pressed with Alt.
    await terminal.press("Escape");
    await terminal.shows(/^q quit/m);
    await terminal.press("?");
    await terminal.shows(/filter as you type/);
    await terminal.press("q");
    await terminal.shows(/^ready>$/m);
  },
);

const ENDINGS: Readonly<Record<string, (terminal: Tmux) => Promise<void>>> = {
  "the key q": (terminal) => terminal.press("q"),
  "Ctrl-C": (terminal) => terminal.press("C-c"),
  "SIGTERM": (terminal) => terminal.signal("SIGTERM"),
  "SIGHUP": (terminal) => terminal.signal("SIGHUP"),
  "SIGQUIT": (terminal) => terminal.press("C-\\"),
};

for (const [name, end] of Object.entries(ENDINGS)) {
  labTest(
    `${name} ends the screen with status 0, and the terminal is as it was`,
    ["tmux", "dash"],
    async () => {
      await using lab = await Lab.open();
      await using terminal = await Tmux.open(...within(await lab.namespace(), ["dash", "-i"]));
      await terminal.type("PS1='ready> '; clear");
      await terminal.shows(/^ready>$/m);
      const before = await terminal.state();
      await terminal.type(`${NETHOGS.map((word) => `'${word}'`).join(" ")} -d 0.2 lo; echo status $?`);
      await terminal.shows(/^q quit/m);
      assert.deepEqual((await terminal.state()).isAlternate, true);
      await end(terminal);
      await terminal.shows(/^status 0$/m);
      await terminal.shows(/^ready>$/m);
      assert.deepEqual(await terminal.state(), before);
    },
  );
}

screenTest(
  "Ctrl-Z leaves the terminal to the shell, and fg shows the screen again",
  [],
  async ({ terminal }) => {
    await terminal.shows(BOTH);
    await terminal.press("C-z");
    await terminal.shows(/^ready>$/m);
    assert.equal((await terminal.state()).isAlternate, false);
    await terminal.type("fg");
    await terminal.shows(BOTH);
    await terminal.press("q");
    await terminal.shows(/^ready>$/m);
  },
);

screenTest(
  "what is said while the screen is shown is said again after it",
  [],
  async ({ terminal, lab, near }) => {
    await terminal.shows(BOTH);
    await lab.remove(near);
    await terminal.shows(/^ No interface or network .* yet: waiting for it/m);
    await terminal.press("q");
    await terminal.shows(/^nethogs: No interface or network /m);
    await terminal.shows(/^ready>$/m);
  },
);

labTest("--screen shows a capture file in its own time, and stays at its end", ["tmux", "dash"], async () => {
  await using lab = await Lab.open();
  await using terminal = await Tmux.open("dash", "-i");
  await terminal.type("PS1='ready> '; clear");
  await terminal.shows(/^ready>$/m);
  const file = `${lab.directory}/sample.pcap`;
  await Deno.writeFile(file, SAMPLE);
  await terminal.type(`${NETHOGS.map((word) => `'${word}'`).join(" ")} --screen --speed 10 -r ${file}`);
  await terminal.shows(/The file ends here; q quits/);
  await terminal.press("g");
  await terminal.shows(/^CONTAINER/m);
  await terminal.press("q");
  await terminal.shows(/^ready>$/m);
});

/** Ten seconds after each other; b sends from the second on. */
const RECORD = linesOfRecord(runOf([{ alpha: 1000 }, { alpha: 2000, beta: 500 }, { beta: 4000 }]));

labTest("--screen shows a record in its own time, held and regrouped by keys", ["tmux", "dash"], async () => {
  await using lab = await Lab.open();
  await using terminal = await Tmux.open("dash", "-i");
  await terminal.type("PS1='ready> '; clear");
  await terminal.shows(/^ready>$/m);
  await Deno.writeTextFile(`${lab.directory}/r.json`, RECORD);
  const nethogs = `clear; ${
    NETHOGS.map((word) => `'${word}'`).join(" ")
  } --screen --replay ${lab.directory}/r.json`;

  // Ten milliseconds a report, and then the last one.
  await terminal.type(`${nethogs} --speed 1000 --since 03:00:10`);
  await terminal.shows(/The file ends here; q quits/);
  await terminal.shows(/10 s until 2026-11-25T03:00:30Z$/m);
  await terminal.press("m", "m", "m", "m");
  await terminal.shows(/beta .* 4\.4 KB/);
  await terminal.press("g", "g", "g", "g");
  await terminal.shows(/^USER[^]*^root/m);
  await terminal.press("g");
  await terminal.shows(/^REMOTE[^]*without its\s+connections: record them with nethogs/m);
  await terminal.press("G", "G", "G", "G", "G");
  await terminal.shows(/ PROGRAM [^]*beta/);
  await terminal.press("Enter", "Enter");
  await terminal.shows(/This record has no connections/);
  await terminal.press("/", "a", "l", "p");
  await terminal.shows((text) => text.includes("alpha") && !text.includes("beta"));
  await terminal.press("Enter", "q");
  await terminal.shows(/^ready>$/m);

  // The second report is ten seconds away, and further while it is held.
  await terminal.type(nethogs);
  await terminal.shows(/10 s until 2026-11-25T03:00:10Z$/m);
  await terminal.press("Space");
  await terminal.shows(/PAUSED/);
  await terminal.press("q");
  await terminal.shows(/^ready>$/m);

  // Whoever writes it has not finished.
  await terminal.type(`cd ${lab.directory}; mkfifo pipe; exec 9<>pipe; cat r.json >&9`);
  await terminal.type(`${nethogs.replace("r.json", "pipe")} --speed 1000`);
  await terminal.shows(/10 s until 2026-11-25T03:00:30Z$/m);
  await terminal.press("q");
  await terminal.shows(/^ready>$/m);
});

labTest(
  "--screen says why there can be none, and without it text is printed there",
  ["tmux", "dash"],
  async () => {
    await using lab = await Lab.open();
    await using terminal = await Tmux.open(...within(await lab.namespace(), ["dash", "-i"]));
    await terminal.type("PS1='ready> '; clear");
    const nethogs = NETHOGS.map((word) => `'${word}'`).join(" ");
    await terminal.type(`${nethogs} --screen lo | cat; TERM=dumb ${nethogs} --screen lo; echo status $?`);
    await terminal.shows(/Cannot show the screen: standard output is not a terminal/);
    await terminal.shows(/^status 2$/m);
    await terminal.type(`clear; TERM=dumb ${nethogs} -c 1 -d 0.1 lo`);
    await terminal.shows(/^nethogs: Without the screen/m);
    await terminal.shows(/^Total/m);
  },
);
