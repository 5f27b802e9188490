/** Gate: what one sink gets of the alerts in the journal, by its entry in the configuration. */

import type { Alert } from './alert.ts';
import type { JournalRecord } from './record.ts';

export interface Gate {
  /** Whether the sink loses something when it never gets this alert. */
  wants(alert: Alert): boolean;
  /** What goes to the sink for a record, by the time when it was told; often the alert alone. */
  pass(record: JournalRecord): readonly Alert[];
}

/** Lets everything through. */
export const OPEN_GATE: Gate = { wants: () => true, pass: ({ alert }) => [alert] };
