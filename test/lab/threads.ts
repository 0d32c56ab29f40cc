/** What each thread of a program may do, as the kernel says: proc_pid_status(5). */

export interface Thread {
  readonly name: string;
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
  readonly hasNoNewPrivileges: boolean;
  readonly hasFilter: boolean;
}

/** All threads of the process, its first one first. */
export async function threadsOf(pid: number): Promise<Thread[]> {
  const tids = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => Number(name));
  const texts = await Promise.all(
    tids.sort((a, b) => a - b).map((tid) => {
      // One that has ended meanwhile is none.
      return Deno.readTextFile(`/proc/${pid}/task/${tid}/status`).catch(() => null);
    }),
  );
  return texts.filter((text) => text !== null).map(parseThread);
}

function parseThread(text: string): Thread {
  const field = (name: string): string => new RegExp(`^${name}:\\t(.*)$`, "m").exec(text)?.[1] ?? "";
  const set = (name: string): bigint => BigInt(`0x${field(name)}`);
  return {
    name: field("Name"),
    effective: set("CapEff"),
    permitted: set("CapPrm"),
    inheritable: set("CapInh"),
    bounding: set("CapBnd"),
    ambient: set("CapAmb"),
    hasNoNewPrivileges: field("NoNewPrivs") === "1",
    hasFilter: field("Seccomp") === "2",
  };
}
