import assert from "node:assert/strict";
import fc from "fast-check";
import { type AlertRule, parseAlertRule } from "../../src/report/alert_rule.ts";
import { UsageError } from "../../src/usage_error.ts";

/** Asserts that the rule means this, beside `received > 1` of the rows of the report. */
function assertRule(text: string, changes: Partial<AlertRule>): void {
  const plain = { scope: null, measure: "received", comparison: ">", limit: 1, isRate: false, forMs: 0 };
  assert.deepEqual(parseAlertRule(text), { text, ...plain, ...changes }, text);
}

function assertRefused(text: string, message: string): void {
  assert.throws(() => parseAlertRule(text), (error) => {
    assert(error instanceof UsageError);
    assert.equal(error.message, `Cannot use --alert ${JSON.stringify(text)} ${message}`);
    return true;
  }, text);
}

Deno.test("parseAlertRule() reads measure, comparison and amount", () => {
  assertRule("received > 1", {});
  assertRule("received>1", {});
  assertRule("  sent  <=  1  ", { measure: "sent", comparison: "<=" });
  assertRule("total >= 1", { measure: "total", comparison: ">=" });
  assertRule("sent < .5KB", { measure: "sent", comparison: "<", limit: 512 });
});

Deno.test("parseAlertRule() reads amounts in the units that are printed", () => {
  const limits = {
    "1 B": 1,
    "1KB": 1024,
    "1kb": 1024,
    "1.5 MB": 1.5 * 1024 ** 2,
    "2GB": 2 * 1024 ** 3,
    "1TB": 1024 ** 4,
    "1PB": 1024 ** 5,
    "8bit": 1,
    "8kbit": 1000,
    "100Mbit": 12_500_000,
    "1 Gbit": 125_000_000,
  };
  for (const [amount, limit] of Object.entries(limits)) {
    assertRule(`received > ${amount}`, { limit });
    assertRule(`received > ${amount}/s`, { limit, isRate: true });
  }
  assertRule("received > 5/s", { limit: 5, isRate: true });
});

Deno.test("parseAlertRule() reads for how long a rate has to hold", () => {
  assertRule("received > 1/s for 10s", { isRate: true, forMs: 10_000 });
  assertRule("received > 1 KB/s for 1.5h", { limit: 1024, isRate: true, forMs: 5_400_000 });
});

Deno.test("parseAlertRule() reads what the rule is about", () => {
  for (const scope of ["process", "container", "pod", "unit", "user", "interface", "total"] as const) {
    assertRule(`${scope} received > 1`, { scope });
    assertRule(`each ${scope} received > 1`, { scope });
  }
  assertRule("total total > 1", { scope: "total", measure: "total" });
  assertRule("each total > 1", { measure: "total" });
});

Deno.test("parseAlertRule() counts dropped frames of interfaces", () => {
  assertRule("dropped > 0", { scope: "interface", measure: "dropped", limit: 0 });
  assertRule("total dropped > 10/s for 1m", {
    ...{ scope: "total", measure: "dropped", limit: 10 },
    ...{ isRate: true, forMs: 60_000 },
  });
  const frames = "here stands a number of frames, such as 0 or 10/s";
  assertRefused("dropped > 1KB", `at column 11, "1KB": ${frames}`);
  assertRefused(
    "process dropped > 1",
    'at column 9, "dropped": frames are dropped of an interface, or in total',
  );
});

Deno.test("parseAlertRule() points at what it cannot understand", () => {
  const amount = "here stands an amount, such as 50MB/s, 100Mbit/s or 1GB";
  const begins =
    "a rule begins with one of process, container, pod, unit, user, interface, total, sent, received, " +
    "dropped";
  assertRefused("", `at its end: ${begins}`);
  assertRefused("recieved > 1", `at column 1, "recieved": ${begins}`);
  assertRefused("remote sent > 1", `at column 1, "remote": ${begins}`);
  assertRefused(
    "each sent > 1",
    'at column 6, "sent": each is followed by one of process, container, pod, unit, user, interface, total',
  );
  assertRefused("user > 1", 'at column 6, ">": user is followed by one of sent, received, total, dropped');
  assertRefused("sent 5MB/s", 'at column 6, "5MB/s": here stands >, >=, < or <=');
  assertRefused("sent == 1", 'at column 6, "==": here stands >, >=, < or <=');
  assertRefused("sent > ", `at its end: ${amount}`);
  assertRefused("sent > MB", `at column 8, "MB": ${amount}`);
  assertRefused("sent > 50XB/s", `at column 8, "50XB/s": ${amount}`);
  assertRefused("sent > 1MB/min", `at column 8, "1MB/min": ${amount}`);
  assertRefused("sent > -1", `at column 8, "-1": ${amount}`);
  assertRefused(
    "sent > 1/s for",
    "at its end: for is followed by a length of time, such as 10s, 5m, 1.5h or 1d",
  );
  assertRefused(
    "sent > 1/s for 10",
    'at column 16, "10": for is followed by a length of time, such as 10s, 5m, 1.5h or 1d',
  );
  assertRefused(
    "sent > 1GB for 10s",
    'at column 12, "for": what was sent or received since the start does not pass: only a rate (with /s) lasts ' +
      "for a time",
  );
  assertRefused("sent > 1 GB or more", 'at column 13, "or": nothing but for DURATION may follow the amount');
  assertRefused("sent > 1 2", 'at column 10, "2": nothing but for DURATION may follow the amount');
});

Deno.test("parseAlertRule() throws nothing but a UsageError of one line", () => {
  const word = fc.oneof(
    fc.constantFrom("each", "total", "sent", "dropped", ">", "<=", "1", "5MB/s", "KB", "for", "10s", "\n"),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (words) => {
      try {
        const { limit, forMs } = parseAlertRule(words.join(" "));
        assert(limit >= 0 && forMs >= 0);
      } catch (error) {
        assert(error instanceof UsageError, `${error}`);
        assert(!error.message.includes("\n"), error.message);
      }
    }),
    { seed: 7, numRuns: 3000 },
  );
});
