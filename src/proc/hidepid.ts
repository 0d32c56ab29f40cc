/** Whether a mount of /proc hides the processes of other users: "hidepid" of proc(5). */

/** `mountinfo` is the text of /proc/self/mountinfo, proc_pid_mountinfo(5); of mounts on each other the last is seen. */
export function hidesProcesses(mountinfo: string, root: string): boolean {
  let isHiding = false;
  for (const line of mountinfo.split("\n")) {
    const [mount = "", fileSystem = ""] = line.split(" - ");
    if (mount.split(" ")[4] !== root) continue;
    const [type, , options = ""] = fileSystem.split(" ");
    isHiding = type === "proc" && options.split(",").some((one) => HIDING.has(one));
  }
  return isHiding;
}

/** By number before Linux 5.8, by name since. */
const HIDING: ReadonlySet<string> = new Set(
  ["1", "2", "4", "noaccess", "invisible", "ptraceable"].map((how) => `hidepid=${how}`),
);
