/** The sum of several accounts, of the same interval. */

/** There is no end to the names of interfaces of containers. */
const MOST_LINKS = 64;

import { Account } from "./account.ts";

export class AccountSum extends Account {
  addAccount(account: Account): void {
    // Links that had traffic in the interval push out those that had it earlier.
    if (account.connections > 0 && this.connections === 0) this.links.clear();
    if (account.connections > 0 || this.connections === 0) {
      for (const link of account.links) if (this.links.size < MOST_LINKS) this.links.add(link);
    }
    this.connections += account.connections;
    for (const flow of account.flows) this.flows.push(flow);
    this.sentBytes += account.sentBytes;
    this.receivedBytes += account.receivedBytes;
    this.sentTotalBytes += account.sentTotalBytes;
    this.receivedTotalBytes += account.receivedTotalBytes;
  }
}
