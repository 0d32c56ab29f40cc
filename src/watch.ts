/** The alerts of one run: rules are read at its start, and told of as they are raised and cleared. */

import { parseAlertRule } from "./report/alert_rule.ts";
import { Alerts } from "./report/alerts.ts";
import type { Report } from "./report/report.ts";
import { renderAlerts } from "./render/alerts.ts";

export class Watch {
  readonly #alerts: Alerts;
  readonly #bits: boolean;
  readonly #tell: (line: string) => void;
  #wasRaised = false;

  /** Throws `UsageError` where a rule cannot be understood. */
  constructor(rules: readonly string[], bits: boolean, tell: (line: string) => void) {
    this.#alerts = new Alerts(rules.map(parseAlertRule));
    this.#bits = bits;
    this.#tell = tell;
  }

  /** Some alert was raised so far. */
  get wasRaised(): boolean {
    return this.#wasRaised;
  }

  /** Hands on the reports, each with the alerts at its end. */
  async *over(reports: AsyncIterable<Report>): AsyncGenerator<Report> {
    for await (const report of reports) {
      const watched = { ...report, alerts: this.#alerts.step(report) };
      for (const line of renderAlerts(watched, this.#bits)) this.#tell(line);
      this.#wasRaised ||= watched.alerts.some(({ state }) => state === "raised");
      yield watched;
    }
  }
}
