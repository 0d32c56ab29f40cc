/** /proc/PID/cgroup: cgroups(7). */

/**
 * The cgroup path that systemd manages: the one of the unified hierarchy ("0::"), or of the hierarchy
 * "name=systemd" in version 1. Null where there is neither.
 */
export function parseCgroupPath(text: string): string | null {
  let unified: string | null = null;
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === "name=systemd") return path;
    if (controllers === "") unified = path;
  }
  return unified;
}

/** The innermost systemd service or scope on a cgroup path, or null: systemd.unit(5). */
export function unitOfCgroupPath(path: string): string | null {
  const units = path.split("/").filter((part) => /.\.(service|scope)$/.test(part));
  return units.at(-1) ?? null;
}
