/**
 * Gate: what one sink gets of the alerts in the journal, by its entry in the configuration: its
 * filter, its rate cap, and the line that says how many the cap held back.
 */

import type { Sink } from '../config/sink-types.ts';
import { type Alert, operationalAlert } from './alert.ts';
import { sinkFilter } from './filter.ts';
import { RateCap } from './rate-cap.ts';
import type { JournalRecord } from './record.ts';

export class Gate {
  readonly #name: string;
  readonly #cap: RateCap;
  /** Whether the sink loses something when it never gets this alert. */
  readonly wants: (alert: Alert) => boolean;

  constructor(config: Sink) {
    this.#name = config.to;
    this.#cap = new RateCap(config.maxPerMinute ?? null);
    this.wants = sinkFilter(config);
  }

  /**
   * What goes to the sink for a record. The cap goes by the time when it was told: what waited for
   * a sink that was down did not come in one minute.
   */
  pass({ at, alert }: JournalRecord): readonly Alert[] {
    if (!this.wants(alert)) return [];
    const told = this.suppressed(at);
    return this.#cap.admit(at, alert.severity) ? [...told, alert] : told;
  }

  /** Alerts that the cap held back since the start. */
  get suppressedInAll(): number {
    return this.#cap.suppressedInAll;
  }

  /** The line about a minute that is over by now, if the cap held something back in it. */
  suppressed(untilMs: number): readonly Alert[] {
    const count = this.#cap.takeSuppressed(untilMs);
    if (count === 0) return [];
    const reason = `${count} suppressed: more than max_per_minute of one severity`;
    return [operationalAlert('alerts-suppressed', this.#name, { reason, atMs: Date.now(), count })];
  }
}
