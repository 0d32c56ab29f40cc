/** What a scenario is: a network, and a play on it of which it is known who sent and received how much. */

import type { Actor, Truth } from "./judge.ts";
import type { Lab } from "./lab.ts";
import type { Nethogs } from "./nethogs.ts";
import type { Network } from "./networks.ts";
import { Puppet } from "./puppet.ts";

export interface Scenario {
  /** One word, to choose it by. */
  readonly name: string;
  /** This host and another, when left out. */
  readonly network?: (lab: Lab) => Promise<Network>;
  /** What this machine lacks for it; null where it lacks nothing. */
  readonly lack?: () => string | null;
  readonly play: (stage: Stage) => Promise<Play>;
}

/** Who took part. Of every frame, both ends are processes', and little is the kernel's, unless said otherwise. */
export interface Play {
  readonly actors: readonly Actor[];
  readonly ends?: Truth["ends"];
  /** Beside what it takes to find neighbours and groups. */
  readonly kernelBytes?: number;
}

/** Where a scenario is played. */
export class Stage {
  readonly lab: Lab;
  readonly network: Network;
  readonly #tool: Nethogs;

  constructor(lab: Lab, network: Network, tool: Nethogs) {
    this.lab = lab;
    this.network = network;
    this.#tool = tool;
  }

  /** A process at that end. */
  async puppet(end: "near" | "far", name: string): Promise<Puppet> {
    return await Puppet.start(this.lab, this.network[end].namespace, name);
  }

  /** A process at each end. */
  async puppets(near: string, far: string): Promise<[near: Puppet, far: Puppet]> {
    return await Promise.all([this.puppet("near", near), this.puppet("far", far)]);
  }

  /** Waits until nethogs has reported all that there was, and has had one more interval to look around. */
  async twoIntervals(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      const nowMs = Date.now();
      await this.#tool.until(({ time }) => Date.parse(time) > nowMs);
    }
  }
}
