/** Every command of nethogs that a document names is one that it accepts; those in blocks are run by the lab, too. */

import assert from "node:assert/strict";
import { parseOptions } from "../src/arguments.ts";

const DOCUMENTS = [
  "README.md",
  "SECURITY.md",
  "packaging/nethogs.service",
  "packaging/nethogs-metrics.service",
];

/** A word of a shell: parts in quotes and without. */
const WORD = /(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\|<>&;#()])+/y;

/** The words that the shell would give to the command that begins the text. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length;) {
    WORD.lastIndex = at;
    const [word] = WORD.exec(text) ?? [];
    // What follows is another's: a pipe, a file, a comment.
    if (word === undefined) break;
    // The number of a descriptor that is redirected.
    if (!(/^\d$/.test(word) && text[WORD.lastIndex] === ">")) words.push(word);
    at = WORD.lastIndex + (/^\s*/.exec(text.slice(WORD.lastIndex))?.[0].length ?? 0);
  }
  return words.map((word) => word.replace(/'([^']*)'|"([^"]*)"|\\(.)/g, "$1$2$3"));
}

/** Commands in blocks of shell, and in code within a text, each from its options on. */
function commandsIn(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n([^]*?)^```/gm)].flatMap(([, block]) => block!.split("\n"));
  const spans = [...markdown.replace(/^```[^]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, span]) =>
    span!
  );
  return [...blocks.filter((line) => !line.startsWith("#")), ...spans].flatMap((text) =>
    // In tables a bar is written so.
    text.replaceAll("\\|", "|").match(/(?<=^|[\s|])(scripts\/)?nethogs (?!completions )[^]*$/)?.slice(0, 1) ??
      []
  );
}

for (const name of DOCUMENTS) {
  Deno.test(`${name} names only commands that nethogs accepts`, async () => {
    const commands = commandsIn(await Deno.readTextFile(new URL(`../${name}`, import.meta.url)));
    if (name === "README.md") assert.ok(commands.length > 60, `only ${commands.length}`);
    for (const command of commands) {
      const words = wordsOf(command).slice(1);
      // A form, such as `nethogs -o FORMAT`, or an elision.
      if (words.some((word) => /^(\[?[A-Z]{3,}\]?|…|\.\.\.)$/.test(word))) continue;
      assert.doesNotThrow(() => parseOptions(words), command);
    }
  });
}

Deno.test("wordsOf() splits as a shell does, up to what is not the command's", () => {
  assert.deepEqual(wordsOf(`nethogs -p 'a b' --alert "x > 1" -f x\\ y 2>> log`), [
    ...["nethogs", "-p", "a b", "--alert", "x > 1", "-f", "x y"],
  ]);
  assert.deepEqual(wordsOf("nethogs -j | jq .a"), ["nethogs", "-j"]);
  assert.deepEqual(wordsOf("nethogs -c 2   # twice"), ["nethogs", "-c", "2"]);
});
