import assert from "node:assert/strict";
import { wantsOtlp } from "../../src/metrics/otlp_environment.ts";

Deno.test("wantsOtlp() is so where Deno exports metrics", () => {
  const wants = (variables: Readonly<Record<string, string>>): boolean =>
    wantsOtlp((name) => variables[name] ?? null);
  assert.equal(wants({}), false);
  assert.equal(wants({ OTEL_DENO: "true" }), true);
  assert.equal(wants({ OTEL_DENO: "TRUE" }), true);
  // Deno takes nothing else for yes.
  assert.equal(wants({ OTEL_DENO: "1" }), false);
  assert.equal(wants({ OTEL_DENO: "true", OTEL_DENO_METRICS: "false" }), false);
  assert.equal(wants({ OTEL_DENO_METRICS: "true" }), true);
  assert.equal(wants({ OTEL_DENO: "true", OTEL_SDK_DISABLED: "true" }), false);
});
