import assert from "node:assert/strict";
import { renderCompletions } from "../src/completions.ts";
import { OPTIONS, type Shell, SHELLS } from "../src/option_table.ts";
import { isInstalled } from "./installed.ts";

/** What a process may call itself, 15 bytes at most. Whoever runs one of these makes the file "ran". */
const HOSTILE = {
  plain: "zq-plain",
  spaces: "zq  a:b=c@d e",
  substitution: "zq$(>ran)",
  backquotes: "zq`>ran`",
  doubleQuote: 'zq";>ran;"',
  singleQuote: "zq';>ran;'",
  redirection: "zq>ran&!<|\\",
  newline: "zq\n>ran",
  escape: "zq\x1b]0;ran\x07",
  glob: "zq*[a]?",
  path: "zq/path",
} as const;

/** -p would take these for something else than a part of a name, or they would not fit on a line. */
const LEFT_OUT: readonly string[] = [HOSTILE.newline, HOSTILE.escape, HOSTILE.glob, HOSTILE.path];

/** What the shell offers for the last word of the line, unquoted as it would be when the line is run. */
type Complete = (line: string) => Promise<string[]>;

/**
 * The programs that complete. Each is given the script and the line in a folder of its own, evaluates what is
 * offered there, and prints it with NUL at the end of each word.
 */
const DRIVERS = { bash: runBash, zsh: runZsh, fish: runFish } as const;

/** Calls the function that the script registers, with the words that readline would give it. */
async function runBash(folder: string, line: string): Promise<string[]> {
  const words = line.split(/ |(=)/).filter((word, i, all) =>
    word !== undefined && (word || i > all.length - 2)
  );
  const driver = `
    set -u
    source ./script
    COMP_WORDS=("\${@:2}") COMP_CWORD=$(($# - 2)) COMP_LINE=$1 COMP_POINT=\${#1}
    _nethogs nethogs "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
    for reply in "\${COMPREPLY[@]}"; do eval "set -- $reply"; printf '%s\\0' "$*"; done`;
  const args = ["--noprofile", "--norc", "-c", driver, "bash", line, ...words];
  return splitAtNul(await run(folder, "bash", args));
}

/** A real line editor on a terminal; all matches are inserted, in place of the one word under the cursor. */
async function runZsh(folder: string, line: string): Promise<string[]> {
  await Deno.copyFile(`${folder}/script`, `${folder}/_nethogs`);
  await Deno.writeTextFile(
    `${folder}/.zshrc`,
    `
    fpath=($PWD $fpath)
    autoload -Uz compinit && compinit -u -D
    insert_all() { _main_complete; compstate[insert]=all; compstate[list]=; }
    zle -C insert_all complete-word insert_all
    zle-line-init() {
      setopt no_glob
      BUFFER=$LINE CURSOR=$#LINE
      zle insert_all
      eval "print -rN -- \${BUFFER#\${LINE% *} }" >replies
      exit
    }
    zle -N zle-line-init`,
  );
  const driver =
    `zmodload zsh/zpty; zpty line zsh -d -i; while zpty -r line; do :; done >/dev/null; cat replies`;
  const env = { LINE: line, ZDOTDIR: folder, TERM: "dumb" };
  const replies = splitAtNul(await run(folder, "zsh", ["-f", "-c", driver], env));
  // With no match, the word stays as it was.
  const typed = line.slice(line.lastIndexOf(" ") + 1);
  return replies.filter((reply) => reply !== typed || replies.length > 1);
}

/** fish quotes by itself what is inserted, and lists what it means. */
async function runFish(folder: string, line: string): Promise<string[]> {
  return (await listByFish(folder, line)).map((row) => row.replace(/\t.*/, ""));
}

/** Lines of a word, a tab and its description. */
async function listByFish(folder: string, line: string): Promise<string[]> {
  const driver = "source ./script; complete -C $LINE";
  const text = await run(folder, "fish", ["--no-config", "-c", driver], { LINE: line, HOME: folder });
  return text.split("\n").slice(0, -1);
}

async function run(
  cwd: string,
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const command = new Deno.Command(program, { args, cwd, env: { ...env, LC_ALL: "C.UTF-8" }, stdin: "null" });
  const { stdout, stderr } = await command.output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

function splitAtNul(text: string): string[] {
  return text.split("\0").slice(0, -1);
}

/** Gives the test the script in a folder of its own, and sees that nothing offered there was run. */
function testIn(
  shell: Shell,
  name: string,
  test: (complete: Complete, folder: string) => Promise<void>,
): void {
  Deno.test({
    name: `renderCompletions() makes ${shell} ${name}`,
    ignore: !isInstalled(shell),
    async fn(): Promise<void> {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${folder}/script`, renderCompletions(shell));
        await test((line) => DRIVERS[shell](folder, line), folder);
        await assert.rejects(Deno.stat(`${folder}/ran`), "a name was run");
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** A process of that name while the function runs, with its pid. */
async function withProcess(name: string, use: (pid: number) => Promise<void>): Promise<void> {
  const script = 'printf %s "$1" >/proc/$$/comm; echo named; read -r line';
  const command = new Deno.Command("bash", {
    args: ["-c", script, "bash", name],
    stdin: "piped",
    stdout: "piped",
  });
  const child = command.spawn();
  const reader = child.stdout.getReader();
  try {
    await reader.read();
    await use(child.pid);
  } finally {
    await child.stdin.close();
    await reader.cancel();
    await child.status;
  }
}

async function withProcesses(names: readonly string[], use: () => Promise<void>): Promise<void> {
  const [name, ...others] = names;
  if (name === undefined) return await use();
  await withProcess(name, () => withProcesses(others, use));
}

function assertOffered(offered: readonly string[], expected: readonly string[], line: string): void {
  for (const word of expected) {
    assert(offered.some((one) => one === word || one === `${word}=`), `${line}: ${word} not in ${offered}`);
  }
}

/** A machine may have others than loopback that begin with an l. */
function assertInterfaces(offered: readonly string[]): void {
  assert(offered.includes("lo") && offered.every((word) => /^l[^/:\s]*$/.test(word)), `${offered}`);
}

for (const shell of SHELLS) {
  testIn(shell, "offer every option", async (complete) => {
    const long = await complete("nethogs --");
    assertOffered(long, OPTIONS.flatMap((spec) => spec.long === undefined ? [] : [`--${spec.long}`]), "--");
    const short = await complete("nethogs lo -");
    assertOffered(short, OPTIONS.flatMap((spec) => spec.short === undefined ? [] : [`-${spec.short}`]), "-");
    assert.deepEqual((await complete("nethogs -t --pro")).map((word) => word.replace("=", "")).sort(), [
      "--proc",
      "--process",
      "--promiscuous",
    ]);
  });

  testIn(shell, "offer the choices of an option, apart or after its name", async (complete) => {
    for (const { long, short, choices } of OPTIONS) {
      if (choices === undefined) continue;
      assertOffered(await complete(`nethogs --${long} `), choices, `--${long}`);
      const joined = (await complete(`nethogs --${long}=`)).map((word) => word.replace(`--${long}=`, ""));
      assertOffered(joined, choices, `--${long}=`);
      if (short === undefined) continue;
      assertOffered(await complete(`nethogs lo -t${short} `), choices, `-t${short}`);
    }
    assert.deepEqual(await complete("nethogs -o js"), ["json"]);
    assert.deepEqual(await complete("nethogs -d "), []);
  });

  testIn(shell, "offer interfaces, but as the value of an option", async (complete) => {
    assertOffered(await complete("nethogs "), ["lo", "all", "completions"], "first");
    const second = await complete("nethogs -d 1 ");
    assertOffered(second, ["lo", "all"], "second");
    assert(!second.includes("completions"));
    assertInterfaces(await complete("nethogs lo l"));
    assertOffered(await complete("nethogs -s "), ["lo", "sent"], "-s");
    assert.deepEqual(await complete("nethogs -f l"), []);
  });

  testIn(shell, "offer interfaces alone after --", async (complete) => {
    assertInterfaces(await complete("nethogs -t -- l"));
    assert.deepEqual(await complete("nethogs -- --"), []);
  });

  testIn(shell, "offer the shells to the command completions", async (complete) => {
    assert.deepEqual((await complete("nethogs completions ")).sort(), [...SHELLS].sort());
    assert.deepEqual(await complete("nethogs completions zsh b"), []);
  });

  testIn(shell, "offer pids", async (complete) => {
    await withProcess(HOSTILE.escape, async (pid) => {
      assertOffered(await complete("nethogs -P "), [`${pid}`], "-P");
      assertOffered(await complete(`nethogs --pid ${`${pid}`.slice(0, -1)}`), [`${pid}`], "--pid");
    });
  });

  testIn(shell, "offer names of processes, whatever is in them", async (complete) => {
    const names = Object.values(HOSTILE);
    await withProcesses(names, async () => {
      const offered = new Set(await complete("nethogs -p zq"));
      assert.deepEqual([...offered].sort(), names.filter((name) => !LEFT_OUT.includes(name)).sort());
    });
  });

  testIn(shell, "offer files and folders", async (complete, folder) => {
    // readline does so by itself, once the function returned nothing.
    if (shell === "bash") return;
    await Deno.writeTextFile(`${folder}/zq trace.pcap`, "");
    await Deno.mkdir(`${folder}/zq-proc`);
    assertOffered(await complete("nethogs -r zq"), ["zq trace.pcap", "zq-proc/"], "-r");
    assert.deepEqual(await complete("nethogs --proc zq"), ["zq-proc/"]);
  });
}

testIn("fish", "describe options but not values", async (_complete, folder) => {
  for (const row of await listByFish(folder, "nethogs -")) assert.match(row, /^-[\w-]+=?\t./);
  for (const row of await listByFish(folder, "nethogs -o ")) assert.match(row, /^\w+$/);
});

Deno.test("renderCompletions() makes scripts that never start nethogs", () => {
  for (const shell of SHELLS) assert.doesNotMatch(renderCompletions(shell), /\$\(nethogs|\(nethogs|`nethogs/);
});
