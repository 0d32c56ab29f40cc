/**
 * libpcap, bound by name: see pcap(3PCAP). `pcap_t *`, `pcap_dumper_t *` and `FILE *` are pointers.
 */

const SYMBOLS = {
  /** `pcap_t *pcap_create(const char *source, char *errbuf)` */
  pcap_create: { parameters: ["buffer", "buffer"], result: "pointer" },
  /** `int pcap_set_snaplen(pcap_t *p, int snaplen)` */
  pcap_set_snaplen: { parameters: ["pointer", "i32"], result: "i32" },
  /** `int pcap_set_promisc(pcap_t *p, int promisc)` */
  pcap_set_promisc: { parameters: ["pointer", "i32"], result: "i32" },
  /** `int pcap_set_timeout(pcap_t *p, int to_ms)` */
  pcap_set_timeout: { parameters: ["pointer", "i32"], result: "i32" },
  /** `int pcap_set_buffer_size(pcap_t *p, int buffer_size)` */
  pcap_set_buffer_size: { parameters: ["pointer", "i32"], result: "i32" },
  /** `int pcap_activate(pcap_t *p)` */
  pcap_activate: { parameters: ["pointer"], result: "i32" },
  /** `int pcap_get_selectable_fd(pcap_t *p)` */
  pcap_get_selectable_fd: { parameters: ["pointer"], result: "i32" },
  /** `pcap_t *pcap_open_offline(const char *fname, char *errbuf)`: stamps in microseconds, whatever the file has */
  pcap_open_offline: { parameters: ["buffer", "buffer"], result: "pointer" },
  /** `pcap_t *pcap_open_dead(int linktype, int snaplen)` */
  pcap_open_dead: { parameters: ["i32", "i32"], result: "pointer" },
  /** `void pcap_close(pcap_t *p)` */
  pcap_close: { parameters: ["pointer"], result: "void" },

  /** `int pcap_datalink(pcap_t *p)` */
  pcap_datalink: { parameters: ["pointer"], result: "i32" },
  /** `int pcap_snapshot(pcap_t *p)` */
  pcap_snapshot: { parameters: ["pointer"], result: "i32" },
  /** `int pcap_stats(pcap_t *p, struct pcap_stat *ps)` */
  pcap_stats: { parameters: ["pointer", "buffer"], result: "i32" },
  /** `char *pcap_geterr(pcap_t *p)` */
  pcap_geterr: { parameters: ["pointer"], result: "pointer" },
  /** `const char *pcap_statustostr(int error)` */
  pcap_statustostr: { parameters: ["i32"], result: "pointer" },
  /** `const char *pcap_lib_version(void)` */
  pcap_lib_version: { parameters: [], result: "pointer" },

  /** `int pcap_compile(pcap_t *p, struct bpf_program *fp, const char *str, int optimize, bpf_u_int32 netmask)` */
  pcap_compile: { parameters: ["pointer", "buffer", "buffer", "i32", "u32"], result: "i32" },
  /** `int pcap_setfilter(pcap_t *p, struct bpf_program *fp)` */
  pcap_setfilter: { parameters: ["pointer", "buffer"], result: "i32" },
  /** `void pcap_freecode(struct bpf_program *fp)` */
  pcap_freecode: { parameters: ["buffer"], result: "void" },

  /** `int pcap_dispatch(pcap_t *p, int cnt, pcap_handler callback, u_char *user)` */
  pcap_dispatch: { parameters: ["pointer", "i32", "pointer", "pointer"], result: "i32" },
  /** `pcap_dumper_t *pcap_dump_fopen(pcap_t *p, FILE *fp)` */
  pcap_dump_fopen: { parameters: ["pointer", "pointer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

export type Libpcap = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Debian's name, then everybody else's. */
const SONAMES = ["libpcap.so.0.8", "libpcap.so.1"];

export class LibraryMissingError extends Error {
  override name = "LibraryMissingError";
}

let library: { symbols: Libpcap; soname: string } | undefined;

function open(): { symbols: Libpcap; soname: string } {
  for (const soname of SONAMES) {
    try {
      return { symbols: Deno.dlopen(soname, SYMBOLS).symbols, soname };
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      // It is there, and cannot be opened just now.
      if (/Too many open files/.test(String(error))) {
        throw new LibraryMissingError("Cannot load libpcap: Too many open files (raise ulimit -n)");
      }
    }
  }
  throw new LibraryMissingError(
    "Cannot load libpcap: install the package libpcap0.8 (Debian, Ubuntu) or libpcap (Fedora, Arch, Alpine)",
  );
}

/**
 * The library, opened when it is first needed, so that --help works where it is absent.
 * Throws `LibraryMissingError`, or `Deno.errors.NotCapable` without --allow-ffi.
 */
export function libpcap(): Libpcap {
  library ??= open();
  return library.symbols;
}

/** The name under which the loader found it. */
export function libpcapSoname(): string {
  library ??= open();
  return library.soname;
}

/** pcap/pcap.h */
export const PCAP_ERRBUF_SIZE = 256;
export const PCAP_NETMASK_UNKNOWN = 0xffffffff;
export const PCAP_ERROR = -1;
export const PCAP_ERROR_NO_SUCH_DEVICE = -5;
export const PCAP_ERROR_PERM_DENIED = -8;
export const PCAP_ERROR_IFACE_NOT_UP = -9;
export const PCAP_ERROR_PROMISC_PERM_DENIED = -11;

/** pcap/dlt.h */
export const DLT_EN10MB = 1;
/** Linux "cooked" capture: pcap-linktype(7). */
export const DLT_LINUX_SLL = 113;

/** `struct bpf_program { u_int bf_len; struct bpf_insn *bf_insns; }` */
export const BPF_PROGRAM_SIZE = 16;

/** `struct pcap_stat { u_int ps_recv; u_int ps_drop; u_int ps_ifdrop; }` */
export const PCAP_STAT_SIZE = 12;
