/** The lab's table as text and as JSON. */

import { passes, type Verdict } from "./judge.ts";
import type { Outcome } from "./trial.ts";

/** Of one run of a scenario; `failed` says what went wrong in the lab itself. */
export type Result = { readonly name: string } & (Outcome | { readonly failed: string });

const COLUMNS = ["bytes", "named", "unattributed", "misnamed", "kernel", "ratio", "interface"] as const;
const NAME_WIDTH = 18;
const WIDTH = 13;
/** More would only repeat what the first ones say. */
const MOST_FINDINGS = 5;

export const HEADING = "scenario".padEnd(NAME_WIDTH) +
  COLUMNS.map((column) => column.padStart(WIDTH)).join("");

/** A row, and below it what is wrong. */
export function resultLines(result: Result): string {
  const name = result.name.padEnd(NAME_WIDTH);
  if ("skipped" in result) return `${name}  skipped: ${result.skipped}`;
  if ("failed" in result) return `${name}  FAILED: ${result.failed}`;
  const row = name + cells(result.verdict).map((cell) => cell.padStart(WIDTH)).join("");
  return passes(result.verdict) ? row : [`${row}  FAILED`, ...findings(result.verdict)].join("\n");
}

function cells(verdict: Verdict): string[] {
  const { bytes, namedBytes, unattributedBytes, misnamedBytes, kernelBytes } = verdict;
  const amounts = [bytes, namedBytes, unattributedBytes, misnamedBytes, kernelBytes].map(String);
  return [...amounts, `${roundedDown(verdict.namedRatio * 100)} %`, String(verdict.interfaceRatio)];
}

/** So that only what is whole reads as 100. */
function roundedDown(percent: number): string {
  return (Math.floor(percent * 100) / 100).toFixed(2);
}

function findings({ findings }: Verdict): string[] {
  const more = findings.length - MOST_FINDINGS;
  return [...findings.slice(0, MOST_FINDINGS), ...(more > 0 ? [`and ${more} more`] : [])]
    .map((finding) => `    ${finding}`);
}

/** Names of fields as in nethogs's own JSON. */
export function jsonLine(result: Result): string {
  const { name } = result;
  if ("skipped" in result) return JSON.stringify({ scenario: name, skipped: result.skipped });
  if ("failed" in result) return JSON.stringify({ scenario: name, failed: result.failed });
  const { verdict } = result;
  return JSON.stringify({
    scenario: name,
    passed: passes(verdict),
    bytes: verdict.bytes,
    named_bytes: verdict.namedBytes,
    unattributed_bytes: verdict.unattributedBytes,
    misnamed_bytes: verdict.misnamedBytes,
    kernel_bytes: verdict.kernelBytes,
    named_ratio: verdict.namedRatio,
    interface_ratio: verdict.interfaceRatio,
    findings: verdict.findings,
  });
}
