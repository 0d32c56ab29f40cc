/** One line of the screen, as pieces of text with a style. */

/** What a text is, not how it looks: palette.ts says that. */
export type Style =
  | "plain"
  | "strong"
  | "dim"
  | "title"
  | "title strong"
  | "selected"
  | "selected dim"
  | "sent"
  | "received"
  | "key"
  | "alert";

export interface Span {
  /** Printable: nothing in it moves the cursor. */
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

export function span(text: string, style: Style = "plain"): Span {
  return { text, style };
}
