/** All scenarios, in the order of the table. */

import type { Scenario } from "../scenario.ts";
import { TCP_SCENARIOS } from "./tcp.ts";

export const SCENARIOS: readonly Scenario[] = [...TCP_SCENARIOS];
