import assert from "node:assert/strict";
import { KernelError } from "../../src/kernel/files.ts";
import type { TraceFormat } from "../../src/kernel/trace_format.ts";
import { ProcessEnds } from "../../src/proc/process_ends.ts";
import { EXEC, EXIT, formatWithout, recordedFormats } from "../kernel/recorded_formats.ts";
import { RecordedInstance } from "../kernel/recorded_instance.ts";
import { execRecord, traceRecord } from "../kernel/trace_records.ts";

/** What the kernel tells of processes, and what is known of it. */
class Told {
  readonly instance: RecordedInstance;
  readonly ends: ProcessEnds;

  constructor(formats: ReadonlyMap<string, TraceFormat> = recordedFormats(EXEC, EXIT)) {
    this.instance = new RecordedInstance(formats);
    this.ends = new ProcessEnds(this.instance);
  }

  exec(pid: number, filename: string): void {
    this.instance.write(execRecord(this.instance.formats.get(EXEC)!, pid, filename));
  }

  exit(pid: number, comm: string, isLast = true): void {
    const format = this.instance.formats.get(EXIT)!;
    const groupDead = format.fields.has("group_dead") ? { group_dead: isLast ? 1 : 0 } : {};
    this.instance.write(traceRecord(format, { common_pid: pid, comm, pid, ...groupDead }));
  }
}

Deno.test("ProcessEnds.of() knows the name of a process that has exited, and what it executed last", () => {
  const told = new Told();
  told.exec(7, "/bin/sh");
  told.exec(7, "/usr/bin/curl");
  assert.equal(told.ends.of(7), null, "it runs");
  told.exit(7, "curl");
  assert.deepEqual(told.ends.of(7), { comm: "curl", filename: "/usr/bin/curl", nth: 1 });
  assert.equal(told.ends.of(8), null);
});

Deno.test("ProcessEnds.of() takes what several processors told in the order of time", () => {
  const told = new Told();
  const [exec, exit] = [told.instance.formats.get(EXEC)!, told.instance.formats.get(EXIT)!];
  // It moved before each event, and the processor that it began and ended on is read first.
  told.instance.writeAt(1, execRecord(exec, 7, "/bin/sh"));
  told.instance.writeAt(3, traceRecord(exit, { common_pid: 7, comm: "curl", group_dead: 1 }));
  told.instance.writeAt(2, execRecord(exec, 7, "/usr/bin/curl"));
  assert.equal(told.ends.of(7)?.filename, "/usr/bin/curl");
  told.instance.writeAt(5, traceRecord(exit, { common_pid: 8, comm: "curl", group_dead: 1 }));
  told.instance.writeMeanwhile(4, execRecord(exec, 8, "/usr/bin/curl"));
  assert.equal(told.ends.of(8)?.filename, "/usr/bin/curl");
});

Deno.test("ProcessEnds.of() knows the name of one that executed nothing in our time", () => {
  const told = new Told();
  told.exit(7, "a name of 15 by");
  assert.deepEqual(told.ends.of(7), { comm: "a name of 15 by", filename: null, nth: 1 });
});

Deno.test("ProcessEnds.of() takes no end of a thread for that of its process", () => {
  const told = new Told();
  told.exec(7, "/usr/bin/curl");
  told.exit(8, "resolver", false);
  assert.equal(told.ends.of(8), null);
  told.exit(7, "curl");
  assert.equal(told.ends.of(7)?.filename, "/usr/bin/curl");
});

Deno.test("ProcessEnds.of() knows a process whose first thread ended before the others", () => {
  const told = new Told();
  told.exec(7, "/usr/bin/node");
  told.exit(7, "node", false);
  told.exit(9, "worker", true);
  assert.deepEqual(told.ends.of(7), { comm: "node", filename: "/usr/bin/node", nth: 1 });
});

Deno.test("ProcessEnds.of() knows the last of those that had the pid, and what only that one executed", () => {
  const told = new Told();
  told.exec(7, "/usr/bin/curl");
  told.exit(7, "curl");
  assert.equal(told.ends.of(7)?.nth, 1);
  told.exit(7, "sh");
  assert.deepEqual(told.ends.of(7), { comm: "sh", filename: null, nth: 2 });
});

Deno.test("ProcessEnds.countKnown() counts those that had the pid, as of the last reading", () => {
  const told = new Told();
  assert.equal(told.ends.countKnown(7), 0);
  told.exit(7, "curl");
  assert.equal(told.ends.countKnown(7), 0);
  told.ends.of(1);
  assert.equal(told.ends.countKnown(7), 1);
});

Deno.test("ProcessEnds.of() takes every exit for that of a process where the kernel does not tell", () => {
  const formats = recordedFormats(EXEC).set(EXIT, formatWithout(EXIT, "group_dead"));
  const told = new Told(formats);
  told.exit(7, "curl");
  assert.equal(told.ends.of(7)?.comm, "curl");
});

Deno.test("ProcessEnds.of() passes over records that are cut", () => {
  const formats = recordedFormats(EXEC, EXIT);
  const exec = execRecord(formats.get(EXEC)!, 7, "/usr/bin/curl");
  const exit = traceRecord(formats.get(EXIT)!, { common_pid: 7, comm: "curl", group_dead: 1 });
  for (let length = 0; length < 33; length++) {
    const told = new Told(formats);
    told.instance.write(exec.subarray(0, Math.min(length, 11)), exit.subarray(0, length));
    assert.equal(told.ends.of(7), null, `${length} bytes`);
  }
});

Deno.test("ProcessEnds.of() reads a path no further than its record, wherever it is said to lie", () => {
  const formats = recordedFormats(EXEC, EXIT);
  const filenames = [[12, 0], [0xffff, 0xffff], [20, 0xffff], [20, 4], [21, 1]].map(([at, length]) => {
    const told = new Told(formats);
    const tail = new TextEncoder().encode("/bin/x");
    const filename = length! * 65536 + at!;
    told.instance.write(traceRecord(formats.get(EXEC)!, { common_pid: 7, filename }, tail));
    told.exit(7, "x");
    return told.ends.of(7)?.filename;
  });
  assert.deepEqual(filenames, ["", "", "/bin/x", "/bin", "b"]);
});

Deno.test("ProcessEnds.of() passes over events that nobody asked for", () => {
  const told = new Told();
  const { fields } = told.instance.formats.get(EXIT)!;
  told.instance.write(traceRecord({ id: 1, fields }, { common_pid: 7, comm: "curl", group_dead: 1 }));
  assert.equal(told.ends.of(7), null);
});

Deno.test("ProcessEnds.of() remembers the latest ends", () => {
  const told = new Told();
  for (let pid = 1; pid <= 8193; pid++) told.exit(pid, "sh");
  assert.equal(told.ends.of(1), null);
  assert.notEqual(told.ends.of(2), null);
  assert.notEqual(told.ends.of(8193), null);
});

Deno.test("new ProcessEnds() throws where an event lacks a field", () => {
  const without = (path: string, field: string): Map<string, TraceFormat> =>
    recordedFormats(EXEC, EXIT).set(path, formatWithout(path, field));
  assert.throws(() => new Told(without(EXEC, "filename")), KernelError);
  assert.throws(() => new Told(without(EXIT, "comm")), KernelError);
});
