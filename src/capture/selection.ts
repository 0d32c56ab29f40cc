/** Which interfaces the user means. */

import { equalAddresses, parseAddress } from "../kernel/address.ts";
import { compileGlob, isGlob } from "../glob.ts";
import type { NetworkInterface } from "./interfaces.ts";
import { interfacesOfNetwork } from "./networks.ts";

type Test = (candidate: NetworkInterface) => boolean;

/** The word for every interface, loopback and down ones too. */
const ALL = "all";

/** The network of containers that have this host's own. */
const HOST_NETWORK = "host";

/**
 * One test for each of the names: exact names, globs, addresses of this host, networks of containers, "all".
 * A name is kept apart from the others so that it can be said which of them match nothing.
 */
export class InterfaceSelection {
  readonly #tests = new Map<string, Test>();
  /** The names that may be those of networks, and the interfaces of these, as they were last found. */
  readonly #networks = new Map<string, readonly string[]>();
  readonly #findNetwork: (name: string) => readonly string[];

  private constructor(findNetwork: (name: string) => readonly string[]) {
    this.#findNetwork = findNetwork;
  }

  /**
   * Without names: every interface that is up and not loopback, or each and every one with `all`.
   * `findNetwork` tells the interfaces of a network of containers.
   */
  static of(
    names: readonly string[],
    all: boolean,
    findNetwork: (name: string) => readonly string[] = (name) => interfacesOfNetwork(name),
  ): InterfaceSelection {
    const selection = new InterfaceSelection(findNetwork);
    for (const name of names) selection.#add(name);
    if (all) selection.#tests.set(ALL, () => true);
    else if (names.length === 0) selection.#tests.set("", isOrdinary);
    return selection;
  }

  #add(name: string): void {
    if (name === ALL) {
      this.#tests.set(name, () => true);
    } else if (isGlob(name)) {
      const glob = compileGlob(name);
      this.#tests.set(name, (candidate) => glob(candidate.name));
    } else {
      const isNamed = literalTest(name);
      this.#networks.set(name, []);
      this.#tests.set(name, (candidate) => isNamed(candidate) || this.#isOfNetwork(name, candidate));
    }
  }

  #isOfNetwork(name: string, candidate: NetworkInterface): boolean {
    return this.#networks.get(name)?.includes(candidate.name) ?? false;
  }

  /**
   * To be called before the others, whenever interfaces have come or gone: a name that none of them has may
   * be that of a network, which may have been made meanwhile.
   */
  update(interfaces: readonly NetworkInterface[]): void {
    for (const name of this.#networks.keys()) {
      const isInterface = interfaces.some(literalTest(name));
      this.#networks.set(name, isInterface ? [] : this.#interfacesOf(name, interfaces));
    }
  }

  #interfacesOf(name: string, interfaces: readonly NetworkInterface[]): readonly string[] {
    if (name !== HOST_NETWORK) return this.#findNetwork(name);
    return interfaces.filter(isOrdinary).map((one) => one.name);
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

  /**
   * In a sentence, why nothing answers to a name and what would help: as a warning where the capture goes on
   * with other interfaces, otherwise as an error.
   */
  explain(name: string, goesOn: boolean): string {
    const known = NOT_INTERFACES.find(({ pattern }) => pattern.test(name));
    if (known) return `"${name}" is ${known.what}, not an interface of this host; ${known.advice(name)}`;
    const { missing, advice } = this.#diagnose(name);
    const sentence = goesOn ? `No ${missing} yet: waiting for it` : `Cannot find any ${missing}`;
    return advice === null ? sentence : `${sentence}; ${advice}`;
  }

  #diagnose(name: string): { missing: string; advice: string | null } {
    if (isGlob(name)) return { missing: `interface that matches "${name}"`, advice: null };
    const [ofNetwork] = this.#networks.get(name) ?? [];
    if (ofNetwork !== undefined) {
      return { missing: `interface "${ofNetwork}" of the network "${name}"`, advice: null };
    }
    if (parseAddress(name) === null) return { missing: `interface or network "${name}"`, advice: null };
    const advice = `if it is another host's, run nethogs there, or filter: -f "host ${name}"`;
    return { missing: `interface with the address ${name}`, advice };
  }
}

function isOrdinary(candidate: NetworkInterface): boolean {
  return candidate.isUp && !candidate.isLoopback;
}

/** The interface of that name, or the one that has that address. */
function literalTest(name: string): Test {
  const address = parseAddress(name);
  return (candidate) =>
    candidate.name === name ||
    (address !== null && candidate.addresses.some((own) => equalAddresses(own, 0, address, 0)));
}

interface NotAnInterface {
  readonly pattern: RegExp;
  readonly what: string;
  readonly advice: (name: string) => string;
}

function adviceForCloud(): string {
  return 'name an interface, or an address that this host has, or filter by addresses: -f "net 10.0.0.0/24"';
}

/** What other tools print where an interface was meant, and what no interface can be called. */
const NOT_INTERFACES: readonly NotAnInterface[] = [
  { pattern: /^\/subscriptions\//i, what: "a resource of Azure", advice: adviceForCloud },
  {
    pattern: /^arn:|^(?:eni|i|subnet|vpc|sg|igw|nat|tgw)-(?:[0-9a-f]{8}|[0-9a-f]{17})$/,
    what: "a resource of AWS",
    advice: adviceForCloud,
  },
  {
    pattern: /^projects\/|^(?:https:)?\/\/[\w.-]+\.googleapis\.com\//,
    what: "a resource of Google Cloud",
    advice: adviceForCloud,
  },
  {
    pattern: /^[a-z][a-z0-9+.-]*:\/\/./i,
    what: "a URL",
    advice: (name) => `name an interface, or filter: -f "host ${URL.parse(name)?.hostname || "NAME"}"`,
  },
  {
    pattern: /^[0-9a-f.:]+\/\d{1,3}$/i,
    what: "a range of addresses",
    advice: (name) => `name an interface, or filter: -f "net ${name}"`,
  },
  {
    pattern: /^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i,
    what: "a hardware address",
    advice: (name) => `name an interface, or filter: -f "ether host ${name.replaceAll("-", ":")}"`,
  },
  { pattern: /\//, what: "a path", advice: () => "to read a capture file: -r FILE" },
  {
    pattern: /^none$/,
    what: "the network of containers that have none",
    advice: () => "name an interface or another network",
  },
];
