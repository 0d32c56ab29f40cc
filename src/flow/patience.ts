/**
 * How long a silent conversation is kept: its bytes are in the accounts, so what is lost is no more than who began it.
 *
 * A scan, or a flood from addresses that nobody has, makes a conversation of every packet. None of them is answered, or
 * goes on after its answer, so when the table becomes crowded those go first, and the others keep their room.
 */

/** In seconds, after the end of the last interval with traffic. */
export interface Patience {
  readonly answeredS: number;
  /** Of conversations in which one end alone has spoken. */
  readonly unansweredS: number;
}

const ORDINARY: Patience = { answeredS: 60, unansweredS: 60 };
/** With more than a sixteenth of the table in use. What goes on after 5 s is looked up again in any case. */
const BUSY: Patience = { answeredS: 60, unansweredS: 5 };
/** With more than half. */
const CROWDED: Patience = { answeredS: 5, unansweredS: 0 };
/** With more than seven eighths. */
const FULL: Patience = { answeredS: 0, unansweredS: 0 };

/** `fill` is the part of the table that is in use. 0 seconds keep what had traffic in the interval that just ended. */
export function patience(fill: number): Patience {
  if (fill > 7 / 8) return FULL;
  if (fill > 1 / 2) return CROWDED;
  return fill > 1 / 16 ? BUSY : ORDINARY;
}

/** A table that is less than half full need not forget anything for want of room. */
export function isCrowded(fill: number): boolean {
  return fill > 1 / 2;
}
