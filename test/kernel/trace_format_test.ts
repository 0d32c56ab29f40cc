import assert from "node:assert/strict";
import fc from "fast-check";
import { KernelError } from "../../src/kernel/files.ts";
import { parseTraceFormat, readTraceText, WantedFields } from "../../src/kernel/trace_format.ts";
import { EXEC, EXIT, formatText, PACKET_SEND, recordedFormats, ROUTE_V6, STATE } from "./recorded_formats.ts";

Deno.test("parseTraceFormat() reads the id, and where each field lies", () => {
  const { id, fields } = parseTraceFormat(formatText(ROUTE_V6))!;
  assert.equal(id, 2315);
  assert.equal(fields.size, 20);
  assert.deepEqual(fields.get("common_type"), { offset: 0, size: 2 });
  assert.deepEqual(fields.get("dst"), { offset: 47, size: 16 });
  assert.deepEqual(fields.get("proto"), { offset: 68, size: 1 });
});

Deno.test("parseTraceFormat() reads the name behind any type", () => {
  const state = parseTraceFormat(formatText(STATE))!.fields;
  assert.deepEqual(state.get("skaddr"), { offset: 8, size: 8 }, "const void *");
  assert.deepEqual(
    parseTraceFormat(formatText(EXEC))!.fields.get("filename"),
    { offset: 8, size: 4 },
    "__data_loc",
  );
  assert.deepEqual(
    parseTraceFormat(formatText(EXIT))!.fields.get("comm"),
    { offset: 8, size: 16 },
    "an array",
  );
  assert.deepEqual(
    parseTraceFormat(formatText(EXIT))!.fields.get("group_dead"),
    { offset: 32, size: 1 },
    "bool",
  );
});

Deno.test("parseTraceFormat() reads no field from the line that says how to print", () => {
  const names = [...parseTraceFormat(formatText(PACKET_SEND))!.fields.keys()];
  assert.deepEqual(names.slice(4), ["sk", "family", "protocol", "ret", "flags"]);
});

Deno.test("parseTraceFormat() is null where there is no id", () => {
  for (const text of ["", "name: x\n", "ID: \n", "ID: -1\n", "xID: 7\n", "ID: 7 8\n", "ID: 123456\n"]) {
    assert.equal(parseTraceFormat(text), null, text);
  }
});

Deno.test("parseTraceFormat() passes over lines of another shape", () => {
  const lines = [
    "\tfield:int a;\toffset:;\tsize:4;",
    "\tfield:int b;\toffset:8;\tsize:-4;",
    "\tfield:int c;\toffset:123456;\tsize:4;",
    "\tfield:;\toffset:8;\tsize:4;",
    "\tint d;\toffset:8;\tsize:4;",
    "\tfield:int e[4;\toffset:8;\tsize:4;",
  ];
  assert.deepEqual(parseTraceFormat(["ID: 7", ...lines].join("\n")), { id: 7, fields: new Map() });
});

Deno.test("parseTraceFormat() never throws, and its numbers fit a page", () => {
  const piece = fc.oneof(
    fc.constantFrom("ID: ", "field:", "int a", ";", "\toffset:", "\tsize:", "[", "]", "\n", "99999", "-"),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const format = parseTraceFormat(pieces.join(""));
      for (const { offset, size } of format?.fields.values() ?? []) assert.ok(offset + size < 200_000);
    }),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("WantedFields.find() makes the record as long as the furthest field needs it", () => {
  const fields = new WantedFields(recordedFormats(EXIT).get(EXIT)!);
  assert.equal(fields.recordSize, 8, "what every event has");
  assert.deepEqual(fields.find("comm", 16), { offset: 8, size: 16 });
  assert.equal(fields.recordSize, 24);
  fields.find("common_pid", 4);
  assert.equal(fields.recordSize, 24);
  assert.deepEqual(fields.findOptional("group_dead", 1), { offset: 32, size: 1 });
  assert.equal(fields.recordSize, 33);
});

Deno.test("WantedFields.find() throws where a field is missing, or of another size", () => {
  const fields = new WantedFields(recordedFormats(EXIT).get(EXIT)!);
  const isMissing = (error: unknown): boolean => error instanceof KernelError && error.isGone;
  assert.throws(() => fields.find("pidfd", 4), isMissing);
  assert.throws(() => fields.find("comm", 4, 8), isMissing);
  assert.equal(fields.findOptional("pidfd", 4), null);
  assert.equal(fields.recordSize, 8);
});

Deno.test("readTraceText() ends at the NUL, or with the room", () => {
  const bytes = new TextEncoder().encode("..curl\0old name");
  const view = new DataView(bytes.buffer);
  assert.equal(readTraceText(view, 2, 10), "curl");
  assert.equal(readTraceText(view, 2, 4), "cu");
  assert.equal(readTraceText(view, 6, 10), "");
  assert.equal(readTraceText(view, 2, 2), "");
  assert.equal(readTraceText(view, 70_000, 3), "", "it is said to lie elsewhere");
});

Deno.test("readTraceText() takes any bytes for text", () => {
  assert.equal(readTraceText(new DataView(Uint8Array.of(0x61, 0xff, 0x62).buffer), 0, 3), "a\ufffdb");
});
