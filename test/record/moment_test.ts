import assert from "node:assert/strict";
import { needsEnd, parseMoment, spanOf } from "../../src/record/moment.ts";
import { UsageError } from "../../src/usage_error.ts";

/** 2026-11-25T09:00:00Z: where the record ends. */
const END_MS = Date.UTC(2026, 10, 25, 9);

/** The span in words of ISO 8601 without seconds, "-" for no bound. */
function span(since: string | null, until: string | null): string {
  const [from, to] = [since, until].map((text, i) =>
    text === null ? null : parseMoment(["--since", "--until"][i]!, text)
  );
  const { sinceMs, untilMs } = spanOf(from!, to!, END_MS);
  return [sinceMs, untilMs].map((timeMs) =>
    Number.isFinite(timeMs) ? new Date(timeMs).toISOString().slice(5, 16) : "-"
  ).join(" ");
}

Deno.test("spanOf() takes a time with its date as it is, in UTC where no zone is given", () => {
  const times = {
    "2026-11-25T03:00:00.000Z": "11-25T03:00",
    "2026-11-25T03:00Z": "11-25T03:00",
    "2026-11-25T03:00": "11-25T03:00",
    "2026-11-25 03:00:30": "11-25T03:00",
    "2026-11-25T03:00+02:00": "11-25T01:00",
    "2026-11-25T03:00-0130": "11-25T04:30",
    "2026-11-24": "11-24T00:00",
  };
  for (const [text, time] of Object.entries(times)) {
    assert.equal(span(text, null), `${time} -`, text);
    assert.equal(span(null, text), `- ${time}`, text);
    assert.equal(needsEnd(parseMoment("--since", text)), false);
  }
  assert.equal(span(null, null), "- -");
});

Deno.test("spanOf() takes a time of day for the record's last", () => {
  assert.equal(span("03:00", null), "11-25T03:00 -");
  assert.equal(span("9:00", null), "11-25T09:00 -");
  assert.equal(span("09:01", null), "11-24T09:01 -");
  assert.equal(span(null, "22:00"), "- 11-24T22:00");
  assert.equal(span("03:00+02:00", null), "11-25T01:00 -");
  assert.equal(span("01:00+02:00", null), "11-24T23:00 -");
  assert.equal(needsEnd(parseMoment("--since", "03:00")), true);
});

Deno.test("spanOf() takes a time of day for the first after the beginning", () => {
  assert.equal(span("03:00", "04:00"), "11-25T03:00 11-25T04:00");
  assert.equal(span("22:00", "02:00"), "11-24T22:00 11-25T02:00");
  assert.equal(span("03:00", "10:00"), "11-25T03:00 11-25T10:00");
  assert.equal(span("2026-11-20T12:00", "11:00"), "11-20T12:00 11-21T11:00");
  assert.equal(span("03:00", "03:00"), "11-25T03:00 11-26T03:00");
});

Deno.test("spanOf() counts lengths of time from the record's end", () => {
  assert.equal(span("-2h", null), "11-25T07:00 -");
  assert.equal(span("-1d", "-30m"), "11-24T09:00 11-25T08:30");
});

Deno.test("spanOf() refuses an end that is not after the beginning", () => {
  const message = "Cannot show what was until 2026-11-25T07:00:00.000Z, since 2026-11-25T08:00:00.000Z: " +
    "the end is not after the beginning";
  assert.throws(() => span("-1h", "-2h"), { name: UsageError.name, message });
  assert.throws(() => span("-1h", "-1h"), UsageError);
});

Deno.test("parseMoment() says what a time looks like", () => {
  for (
    const text of ["yesterday", "2h", "-2", "25:00", "03:60", "2026-13-01", "2026-11-25T", "3", "-0s", ""]
  ) {
    assert.throws(() => parseMoment("--since", text), {
      name: UsageError.name,
      message: `Cannot use --since ${JSON.stringify(text)}: give a time such as 2026-11-25T03:00Z or 03:00 ` +
        "(UTC), or a length of time before the record's end, such as -2h",
    }, text);
  }
});
