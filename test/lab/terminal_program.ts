/**
 * Shows on the terminal what it is told by it, for terminal_test.ts: its size, keys, and how often the screen came back.
 * Ends as the key says: q by closing, e by exiting, x by an error, r by a promise that nobody waits for.
 */

import { changes, drawFrame, type Frame } from "../../src/screen/frame.ts";
import { span } from "../../src/screen/line.ts";
import { paletteOf } from "../../src/screen/palette.ts";
import { screenRefusal, Terminal } from "../../src/screen/terminal.ts";

const refusal = screenRefusal();
if (refusal !== null) {
  console.error(`refused: ${refusal}`);
  Deno.exit(2);
}

const terminal = Terminal.open();
let shown: Frame | null = null;
let typed = "";
let returns = 0;

async function draw(): Promise<void> {
  const size = terminal.size();
  const frame = drawFrame(
    [
      [span(` size ${size.columns} ${size.rows} `, "title")],
      [span(`returns ${returns}`)],
      terminal.hasKeys
        ? [span("typed", "strong"), span(`${typed}.`, "plain")]
        : [span(`process ${Deno.pid} has no keys`, "alert")],
    ],
    size,
  );
  const text = changes(shown, frame, paletteOf(true));
  shown = frame;
  await terminal.write(text);
}

async function run(): Promise<void> {
  await draw();
  for await (const key of terminal.keys()) {
    const name = key.kind === "text" ? key.text : key.name;
    if (name === "q") return;
    if (name === "e") Deno.exit(3);
    if (name === "x") queueMicrotask(() => fail("nobody catches this"));
    if (name === "r") Promise.reject(new Error("nobody waits for this"));
    typed += ` ${name}`;
    await draw();
  }
  console.error("no more keys");
  shown = null;
  await draw();
}

function fail(message: string): never {
  throw new Error(message);
}

/** The end that a run of nethogs has when its reader is gone. */
function explain(error: unknown): void {
  console.error(error instanceof Deno.errors.BrokenPipe ? "the reader is gone" : String(error));
}

function redraw(): void {
  draw().catch(explain);
}

terminal.onResize(redraw);
terminal.onReturn(() => {
  returns++;
  shown = null;
  redraw();
});
Deno.addSignalListener("SIGTERM", () => {
  terminal.close();
  console.error("asked to end");
  Deno.exit(0);
});
// As nethogs does, which has a last report to write.
Deno.addSignalListener("SIGHUP", () => {});

try {
  await run();
} catch (error) {
  explain(error);
} finally {
  terminal.close();
}
console.error("closed");
Deno.exit(0);
