/** A /proc of our own making, in a directory of its own: what the kernel would list of a few processes. */

export interface RecordedProcess {
  readonly comm?: string;
  /** One letter: proc_pid_stat(5). */
  readonly state?: string;
  readonly parentPid?: number;
  /** Clock ticks since boot. */
  readonly startTicks?: number;
  readonly arguments?: readonly string[];
  readonly exe?: string | null;
  /** Effective. */
  readonly uid?: number;
  readonly cgroup?: string;
  readonly netns?: number;
  /** Inodes of the sockets it holds. */
  readonly sockets?: readonly number[];
}

/** When the recorded host was booted, in seconds since the Unix epoch. */
export const BOOT_S = 1_795_000_000;

export class RecordedTree {
  readonly root = Deno.makeTempDirSync({ prefix: "nethogs-proc-" });

  constructor() {
    Deno.writeTextFileSync(`${this.root}/stat`, `cpu  1 2 3\nintr 0\nctxt 9\nbtime ${BOOT_S}\nprocesses 7\n`);
  }

  /** Adds a process, or puts another in its place. */
  put(pid: number, process: RecordedProcess = {}): void {
    this.remove(pid);
    const directory = `${this.root}/${pid}`;
    Deno.mkdirSync(`${directory}/ns`, { recursive: true });
    const { comm = `process${pid}`, state = "S", parentPid = 1, startTicks = 100 * pid } = process;
    this.write(pid, "stat", statText(pid, comm, state, parentPid, startTicks));
    const uid = process.uid ?? 0;
    this.write(pid, "status", `Name:\t${comm}\nUmask:\t0022\nUid:\t${uid + 1}\t${uid}\t${uid}\t${uid}\n`);
    this.write(pid, "cmdline", (process.arguments ?? [comm]).map((argument) => `${argument}\0`).join(""));
    this.write(pid, "cgroup", process.cgroup ?? "0::/\n");
    if (process.exe !== null) Deno.symlinkSync(process.exe ?? `/usr/bin/${comm}`, `${directory}/exe`);
    Deno.symlinkSync(`net:[${process.netns ?? 4026531840}]`, `${directory}/ns/net`);
    this.hold(pid, process.sockets ?? []);
  }

  /** The process holds these sockets from now on, and no others. */
  hold(pid: number, sockets: readonly number[]): void {
    const directory = `${this.root}/${pid}/fd`;
    removeTree(directory);
    Deno.mkdirSync(directory);
    Deno.symlinkSync("/dev/null", `${directory}/0`);
    sockets.forEach((inode, i) => Deno.symlinkSync(`socket:[${inode}]`, `${directory}/${i + 3}`));
  }

  /** One more descriptor. */
  open(pid: number, descriptor: number, inode: number): void {
    Deno.symlinkSync(`socket:[${inode}]`, `${this.root}/${pid}/fd/${descriptor}`);
  }

  /** How many it has. */
  descriptors(pid: number): number {
    return [...Deno.readDirSync(`${this.root}/${pid}/fd`)].length;
  }

  close(pid: number, descriptor: number): void {
    this.hide(pid, `fd/${descriptor}`);
  }

  /** An io_uring instance at that descriptor, of which the kernel says this. */
  openRing(pid: number, descriptor: number, fdinfo: string): void {
    this.close(pid, descriptor);
    Deno.symlinkSync("anon_inode:[io_uring]", `${this.root}/${pid}/fd/${descriptor}`);
    Deno.mkdirSync(`${this.root}/${pid}/fdinfo`, { recursive: true });
    this.write(pid, `fdinfo/${descriptor}`, fdinfo);
  }

  write(pid: number, file: string, text: string): void {
    Deno.writeTextFileSync(`${this.root}/${pid}/${file}`, text);
  }

  /** Takes a file of a process away, as where it is not ours to read. */
  hide(pid: number, path: string): void {
    removeTree(`${this.root}/${pid}/${path}`);
  }

  /** The descriptors of a process cannot be listed, although it is there. */
  refuse(pid: number): void {
    this.hide(pid, "fd");
    this.write(pid, "fd", "");
  }

  remove(pid: number): void {
    removeTree(`${this.root}/${pid}`);
  }

  [Symbol.dispose](): void {
    removeTree(this.root);
  }
}

function removeTree(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The fields after the start time do not matter here; there are 30 more of them. */
export function statText(
  pid: number,
  comm: string,
  state: string,
  parentPid: number,
  startTicks: number,
): string {
  const between = Array.from({ length: 17 }, (_, i) => 500 + i).join(" ");
  const after = Array.from({ length: 30 }, (_, i) => 900 + i).join(" ");
  return `${pid} (${comm}) ${state} ${parentPid} ${between} ${startTicks} ${after}\n`;
}
