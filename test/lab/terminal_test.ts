/** The screen on a real terminal, driven by keys, signals and a shell. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { changes, drawFrame, type Frame } from "../../src/screen/frame.ts";
import { paletteOf } from "../../src/screen/palette.ts";
import { plainLines } from "../screen/any_lines.ts";
import { eventually, Lab, labTest } from "./lab.ts";
import { Tmux } from "./tmux.ts";

const PROGRAM_FILE = fileURLToPath(new URL("terminal_program.ts", import.meta.url));
/** With the permissions that users are told to give the tool. */
const PROGRAM =
  `${Deno.execPath()} run --quiet --no-prompt --frozen --allow-ffi --allow-read ${PROGRAM_FILE}`;

/** This shell leaves the modes of the terminal alone, whatever a program makes of them. */
const SHELL = ["dash", "-i"];
/** This one keeps modes for its own line editor, and others for its jobs. */
const BASH = ["bash", "--norc", "-i"];
/** While a line is edited, Ctrl-Z is a key like others to this one. */
const ZSH = ["zsh", "-f"];
const TOOLS = ["tmux", "dash"];

function terminalTest(name: string, test: (terminal: Tmux) => Promise<void>, shell = SHELL): void {
  labTest(name, [...TOOLS, shell[0]!], async () => {
    await using terminal = await Tmux.open(...shell);
    await terminal.type("PS1='ready> '; clear");
    await terminal.shows(/^ready>$/m);
    await test(terminal);
  });
}

/** Starts the program, ends it, and compares the terminal with what it was before. */
async function assertRestored(
  terminal: Tmux,
  end: () => Promise<void>,
  words: RegExp,
  command = PROGRAM,
): Promise<void> {
  const before = await terminal.state();
  await terminal.type(command);
  await terminal.shows(/^typed\.$/m);
  const during = await terminal.state();
  assert.match(during.modes, /-icanon/);
  assert.match(during.modes, /-echo /);
  assert.match(during.modes, /^isig/m);
  assert.deepEqual({ ...during, modes: "" }, {
    modes: "",
    isAlternate: true,
    hasCursor: false,
    wraps: false,
  });
  await end();
  await terminal.shows(words);
  await terminal.shows(/^ready>$/m);
  assert.deepEqual(await terminal.state(), before);
}

terminalTest("Terminal.close() leaves the terminal as it was", async (terminal) => {
  await assertRestored(terminal, () => terminal.press("q"), /^closed$/m);
});

terminalTest("Terminal closes itself before an error that nobody caught is shown", async (terminal) => {
  await assertRestored(terminal, () => terminal.press("x"), /nobody catches this/);
});

terminalTest("Terminal closes itself before a rejection that nobody handles is shown", async (terminal) => {
  await assertRestored(terminal, () => terminal.press("r"), /nobody waits for this/);
});

terminalTest("Terminal closes itself when Deno exits", async (terminal) => {
  await assertRestored(terminal, () => terminal.press("e"), /status 3$/m, `${PROGRAM}; echo status $?`);
});

terminalTest("Terminal.close() works in a listener for signals", async (terminal) => {
  await assertRestored(terminal, () => terminal.signal("SIGTERM"), /^asked to end$/m);
});

terminalTest("Terminal.keys() yields keys as they are typed", async (terminal) => {
  await assertRestored(terminal, async () => {
    await terminal.press("a", "Up", "F5", "é", "Home", "C-l", "Enter", "PageDown", "BSpace");
    await terminal.shows(/^typed a up é home ctrl-l enter pageDown backspace\.$/m);
    await terminal.press("Escape");
    await terminal.shows(/ backspace escape\.$/m);
    await terminal.press("q");
  }, /^closed$/m);
});

terminalTest("Terminal.keys() reads the terminal where standard input is a pipe", async (terminal) => {
  await assertRestored(
    terminal,
    async () => {
      await terminal.press("a", "Down");
      await terminal.shows(/^typed a down\.$/m);
      await terminal.press("q");
    },
    /^closed$/m,
    `echo frames | ${PROGRAM}`,
  );
});

terminalTest(
  "Terminal gives the terminal to the shell at Ctrl-Z, and takes it again at fg",
  async (terminal) => {
    const before = await terminal.state();
    await assertRestored(terminal, async () => {
      await terminal.press("a");
      await terminal.shows(/^typed a\.$/m);
      const during = await terminal.state();
      for (const round of [1, 2]) {
        await terminal.press("C-z");
        await terminal.shows(/^ready>$/m);
        assert.deepEqual(await terminal.state(), before);
        await terminal.type("fg");
        await terminal.shows(new RegExp(`^returns [${round}-9]`, "m"));
        await terminal.shows(/^typed a\.$/m);
        assert.deepEqual(await terminal.state(), during);
      }
      await terminal.press("b");
      await terminal.shows(/^typed a b\.$/m);
      await terminal.press("q");
    }, /^closed$/m);
  },
);

terminalTest("Terminal is drawn again after a stop that it could not hear of", async (terminal) => {
  await assertRestored(terminal, async () => {
    const during = await terminal.state();
    await terminal.signal("SIGSTOP");
    await terminal.shows(/^ready>$/m);
    await terminal.type("fg");
    await terminal.shows(/^returns [1-9]/m);
    assert.deepEqual(await terminal.state(), during);
    await terminal.press("a");
    await terminal.shows(/^typed a\.$/m);
    await terminal.press("q");
  }, /^closed$/m);
}, BASH);

terminalTest("Terminal waits in the background, and leaves the shell's own modes alone", async (terminal) => {
  await terminal.type(`${PROGRAM} &`);
  // The shell tells of it before its next prompt.
  await eventually(async () => {
    await terminal.press("Enter");
    return /suspended/.test(await terminal.text());
  });
  assert.equal((await terminal.state()).isAlternate, false);
  await terminal.type("fg");
  await terminal.shows(/^typed\.$/m);
  const { modes } = await terminal.state();
  assert.match(modes, /susp = \^Z/);
  assert.match(modes, /^isig/m);
  await terminal.press("q");
  await terminal.shows(/^closed$/m);
}, ZSH);

labTest("Terminal goes on at Ctrl-Z where no shell could bring it back", TOOLS, async () => {
  await using terminal = await Tmux.open(`exec ${PROGRAM}`);
  await terminal.shows(/^typed\.$/m);
  await terminal.press("C-z");
  await terminal.shows(/^returns 1/m);
  await terminal.press("a");
  await terminal.shows(/^typed a\.$/m);
});

terminalTest("Terminal.onResize() tells of another size", async (terminal) => {
  await assertRestored(terminal, async () => {
    await terminal.shows(/^ size 80 24$/m);
    await terminal.resize(60, 10);
    await terminal.shows(/^ size 60 10$/m);
    await terminal.resize(80, 24);
    await terminal.shows(/^ size 80 24$/m);
    await terminal.press("q");
  }, /^closed$/m);
});

for (const [state, keys] of [["while it is shown", []], ["after Ctrl-Z", ["C-z"]]] as const) {
  labTest(`Terminal says that the reader is gone when the terminal is, ${state}`, TOOLS, async () => {
    await using lab = await Lab.open();
    const said = `${lab.directory}/said`;
    {
      await using terminal = await Tmux.open(...SHELL);
      await terminal.type(`PS1='ready> '; clear; ${PROGRAM} 2>${said}`);
      await terminal.shows(/^typed\.$/m);
      await terminal.press(...keys);
      if (keys.length > 0) await terminal.shows(/^ready>$/m);
    }
    await eventually(async () => (await Deno.readTextFile(said)).includes("closed"));
    assert.match(await Deno.readTextFile(said), /^(no more keys\n|the reader is gone\n)+closed\n$/);
  });
}

labTest("screenRefusal() says why there can be no screen", TOOLS, async () => {
  await using terminal = await Tmux.open(...SHELL);
  await terminal.type(`TERM=dumb ${PROGRAM}`);
  await terminal.shows(/refused: TERM is dumb/);
  await terminal.type(`env -u TERM ${PROGRAM}`);
  await terminal.shows(/refused: TERM is not set/);
  await terminal.type(`${PROGRAM} | cat`);
  await terminal.shows(/refused: standard output is not a terminal/);
  await terminal.type(`stty rows 0 columns 0; ${PROGRAM}`);
  await terminal.shows(/refused: the terminal says that it has no columns or no rows/);
});

/** tmux leaves out blanks at the end of a line. */
function textOf({ cells, size }: Frame): string {
  const rows = Array.from(
    { length: size.rows },
    (_, row) => cells.slice(row * size.columns, (row + 1) * size.columns),
  );
  return rows.map((row) => row.map(({ text }) => text).join("").trimEnd() + "\n").join("");
}

labTest(
  "changes() makes a real terminal show what comes after, whatever it showed before",
  TOOLS,
  async () => {
    await using terminal = await Tmux.open("cat");
    const size = { columns: 12, rows: 4 };
    await terminal.resize(size.columns, size.rows);
    let before: Frame | null = null;
    for (const lines of fc.sample(plainLines, { seed: 1, numRuns: 100 })) {
      const after = drawFrame(lines, size);
      await terminal.write(changes(before, after, paletteOf(true)));
      await terminal.shows((text) => text === textOf(after));
      before = after;
    }
  },
);
