/** Namespaces that a process has descriptors of, whether it found them below /proc or mounted. */

/** The inode of each, as in /proc/PID/ns/net. Its other descriptors, those closed meanwhile left out, are only counted. */
export function readDescriptors(pid: number): { readonly namespaces: number[]; readonly others: number } {
  const { dev } = Deno.statSync("/proc/self/ns/net");
  const files = [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return [Deno.statSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return [];
    }
  });
  const namespaces = files.filter((file) => file.dev === dev).map(({ ino }) => ino!);
  return { namespaces, others: files.length - namespaces.length };
}

/** Those with a process or a mount. */
export function livingNamespaces(): Set<number> {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  const paths = [
    ...pids.map((pid) => `/proc/${pid}/ns/net`),
    ...[...Deno.readDirSync("/run/netns")].map(({ name }) => `/run/netns/${name}`),
  ];
  return new Set(paths.flatMap((path) => {
    try {
      return [Deno.statSync(path).ino!];
    } catch {
      return [];
    }
  }));
}
