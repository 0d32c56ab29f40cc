/** Which interfaces the user means. */

import { equalAddresses, parseAddress } from "../kernel/address.ts";
import { compileGlob, isGlob } from "../glob.ts";
import type { NetworkInterface } from "./interfaces.ts";

type Test = (candidate: NetworkInterface) => boolean;

/** The word for every interface, loopback and down ones too. */
const ALL = "all";

/**
 * One test for each of the names: exact names, globs, addresses of this host, "all". A name is kept apart
 * from the others so that it can be said which of them match nothing.
 */
export class InterfaceSelection {
  readonly #tests: ReadonlyMap<string, Test>;

  private constructor(tests: ReadonlyMap<string, Test>) {
    this.#tests = tests;
  }

  /** Without names: every interface that is up and not loopback, or each and every one with `all`. */
  static async of(names: readonly string[], all: boolean): Promise<InterfaceSelection> {
    const tests = new Map<string, Test>();
    for (const name of names) tests.set(name, await testOf(name));
    if (all) tests.set(ALL, () => true);
    else if (names.length === 0) tests.set("", (candidate) => candidate.isUp && !candidate.isLoopback);
    return new InterfaceSelection(tests);
  }

  matches(candidate: NetworkInterface): boolean {
    for (const test of this.#tests.values()) {
      if (test(candidate)) return true;
    }
    return false;
  }

  /** The names that no interface of the list answers to. */
  unmatched(interfaces: readonly NetworkInterface[]): string[] {
    return [...this.#tests].filter(([, test]) => !interfaces.some(test)).map(([name]) => name);
  }
}

async function testOf(name: string): Promise<Test> {
  if (name === ALL) return () => true;
  if (isGlob(name)) {
    const glob = await compileGlob(name);
    return (candidate) => glob(candidate.name);
  }
  const address = parseAddress(name);
  return (candidate) =>
    candidate.name === name ||
    (address !== null && candidate.addresses.some((own) => equalAddresses(own, 0, address, 0)));
}
