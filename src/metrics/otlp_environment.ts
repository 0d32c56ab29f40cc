/** Whether Deno was told to export metrics by OpenTelemetry. */

/** As Deno reads the variables: in capitals or not, "true" and "false" alone mean anything. */
export function wantsOtlp(valueOf: (name: string) => string | null): boolean {
  const isSet = (name: string, otherwise: boolean): boolean => {
    const value = valueOf(name)?.toLowerCase();
    return value === "true" || (value !== "false" && otherwise);
  };
  return !isSet("OTEL_SDK_DISABLED", false) && isSet("OTEL_DENO_METRICS", isSet("OTEL_DENO", false));
}
