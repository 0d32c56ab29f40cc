/** What the descriptors of a process are, by their numbers: eight bytes for each, where a map takes five times as many. */

import type { Target } from "../kernel/descriptors.ts";

const PAGE_BITS = 7;
const PAGE_SIZE = 1 << PAGE_BITS;

export class DescriptorTable {
  /** By number / `PAGE_SIZE`; NaN where nothing is known. Only what is used has a page: one number may be a million. */
  readonly #pages = new Map<number, Float64Array>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(descriptor: number): Target | undefined {
    const target = this.#pages.get(descriptor >>> PAGE_BITS)?.[descriptor % PAGE_SIZE];
    return target === undefined || Number.isNaN(target) ? undefined : target;
  }

  set(descriptor: number, target: Target): void {
    const page = this.#page(descriptor >>> PAGE_BITS);
    const at = descriptor % PAGE_SIZE;
    if (Number.isNaN(page[at])) this.#size++;
    page[at] = target;
  }

  delete(descriptor: number): void {
    if (this.get(descriptor) === undefined) return;
    this.#page(descriptor >>> PAGE_BITS)[descriptor % PAGE_SIZE] = NaN;
    this.#size--;
  }

  *entries(): Generator<[descriptor: number, target: Target]> {
    for (const [number, page] of this.#pages) {
      for (let at = 0; at < PAGE_SIZE; at++) {
        if (!Number.isNaN(page[at])) yield [number * PAGE_SIZE + at, page[at]!];
      }
    }
  }

  #page(number: number): Float64Array {
    let page = this.#pages.get(number);
    if (page === undefined) this.#pages.set(number, page = new Float64Array(PAGE_SIZE).fill(NaN));
    return page;
  }
}
