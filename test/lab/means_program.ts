/** Says as JSON by which means names can be found, as this process may: for means_test.ts. */

import { openMeans } from "../../src/means.ts";
import { ProcFs } from "../../src/proc/procfs.ts";

const means = openMeans(new ProcFs("/proc"));
means.close();
console.log(JSON.stringify(means.list));
