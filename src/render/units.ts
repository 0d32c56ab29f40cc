/**
 * Amounts for people. Bytes scale by 1024 (KB, MB), as in the C++ nethogs; bits by 1000 (kbit, Mbit), as network
 * gear is sold. An amount that is not zero never prints as zero.
 */

import type { View } from "../options.ts";

interface Scale {
  readonly base: number;
  readonly names: readonly string[];
}

const BYTES: Scale = { base: 1024, names: ["B", "KB", "MB", "GB", "TB", "PB"] };
const BITS: Scale = { base: 1000, names: ["bit", "kbit", "Mbit", "Gbit", "Tbit", "Pbit"] };

/** Index into `Scale.names` of the units that a view can ask for. */
const FIXED_STEP = { b: 0, kb: 1, mb: 2, gb: 3 } as const;

/** One byte is 0.001 KB, so that the smallest fixed unit shows every single one. */
const FIXED_DECIMALS = 3;

/**
 * @param bytes bytes, or bytes per second in a view of rates; not finite where no time passed
 * @returns for example "196.6 KB/s", "<0.001 MB/s", "3.4 MB", "12.3 Mbit/s"
 */
export function formatAmount(bytes: number, view: View, bits: boolean): string {
  if (!Number.isFinite(bytes)) return "n/a";
  const scale = bits ? BITS : BYTES;
  const value = bits ? bytes * 8 : bytes;
  const step = view.unit === "auto" ? autoStep(value, scale) : FIXED_STEP[view.unit];
  const decimals = step === 0 ? 0 : view.unit === "auto" ? 1 : FIXED_DECIMALS;
  const name = scale.names[step] + (view.kind === "rate" ? "/s" : "");
  return `${digits(value / scale.base ** step, decimals)} ${name}`;
}

/** Columns that fit every amount in automatic units, and every usual one in fixed units. */
export function amountWidth(view: View, bits: boolean): number {
  const number = view.unit === "auto" ? "999.9".length : "99999.999".length;
  return number + (bits ? " kbit" : " KB").length + (view.kind === "rate" ? "/s".length : 0);
}

/** The first unit whose number, as it will be printed, stays below 1000: so never "1000.0 KB" or "1024 B". */
function autoStep(value: number, scale: Scale): number {
  let step = 0;
  while (step < scale.names.length - 1) {
    const rounded = (value / scale.base ** step).toFixed(step === 0 ? 0 : 1);
    if (Number(rounded) < 1000) break;
    step++;
  }
  return step;
}

function digits(value: number, decimals: number): string {
  if (value === 0) return "0";
  const text = value.toFixed(decimals);
  if (Number(text) === 0) return `<${(10 ** -decimals).toFixed(decimals)}`;
  return text;
}
