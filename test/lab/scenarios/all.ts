/** All scenarios, in the order of the table. */

import type { Scenario } from "../scenario.ts";
import { OTHER_PROTOCOL_SCENARIOS } from "./other_protocols.ts";
import { OWNER_SCENARIOS } from "./owners.ts";
import { SHORT_LIFE_SCENARIOS } from "./short_lives.ts";
import { TCP_SCENARIOS } from "./tcp.ts";
import { UDP_SCENARIOS } from "./udp.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...TCP_SCENARIOS,
  ...UDP_SCENARIOS,
  ...OTHER_PROTOCOL_SCENARIOS,
  ...SHORT_LIFE_SCENARIOS,
  ...OWNER_SCENARIOS,
];
