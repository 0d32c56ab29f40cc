/** Why there is nothing to capture. */

export type CaptureErrorKind = "permission" | "no such interface" | "down" | "filter" | "file" | "other";

export class CaptureError extends Error {
  override name = "CaptureError";
  readonly kind: CaptureErrorKind;
  constructor(kind: CaptureErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** No interface answers to the names; the message lists those there are. */
export class NoInterfaceError extends Error {
  override name = "NoInterfaceError";
}
