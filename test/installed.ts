/** Programs that tests compare with; whoever has not installed them sees those tests skipped. */

const PLACES = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/** Where a program lies, or null. An ordinary user has not all of these places in PATH. */
function pathOf(program: string): string | null {
  return PLACES.map((place) => `${place}/${program}`).find(isThere) ?? null;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

export function isInstalled(program: string): boolean {
  return pathOf(program) !== null;
}

/** What a program prints; it has to succeed. */
export function outputOf(program: string, ...args: string[]): string {
  const command = new Deno.Command(pathOf(program) ?? program, { args, env: { LC_ALL: "C", TZ: "UTC" } });
  const { success, stdout, stderr } = command.outputSync();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
