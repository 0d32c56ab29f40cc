/**
 * How a style looks: the parameters of SGR (ECMA-48, 8.3.117).
 *
 * The terminal's own foreground and background, and of the eight colours only those that can be read on a
 * light ground as well as on a dark one: not yellow, white and black, nor any of the bright ones.
 */

import type { Style } from "./line.ts";

const BOLD = "1";
const DIM = "2";
const REVERSE = "7";
const RED = "31";
const GREEN = "32";
const MAGENTA = "35";
const CYAN = "36";

/** Parameters of SGR to be set after a reset; "" for none. */
export type Palette = Readonly<Record<Style, string>>;

const UNCOLORED: Palette = {
  plain: "",
  strong: BOLD,
  dim: DIM,
  title: REVERSE,
  "title strong": `${BOLD};${REVERSE}`,
  selected: REVERSE,
  "selected dim": `${DIM};${REVERSE}`,
  sent: "",
  received: "",
  key: BOLD,
  alert: BOLD,
};

const COLORED: Palette = {
  ...UNCOLORED,
  sent: MAGENTA,
  received: GREEN,
  key: `${BOLD};${CYAN}`,
  alert: `${BOLD};${RED}`,
};

/** @param hasColor what the user wants: see https://no-color.org */
export function paletteOf(hasColor: boolean): Palette {
  return hasColor ? COLORED : UNCOLORED;
}
