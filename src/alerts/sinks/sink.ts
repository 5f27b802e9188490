/**
 * Sink: where alerts go. Pushing never waits and never throws; a sink that cannot deliver holds a
 * bounded queue, drops the oldest, and counts. One sink's trouble is nobody else's.
 */

import type { Alert } from '../alert.ts';

/** Alerts that a sink holds at most while it cannot deliver. */
export const QUEUE_MAX = 10_000;

export interface SinkStats {
  /** Handed to the kernel (a write or a send that succeeded). A resent alert counts once. */
  readonly sent: number;
  /** Given up: pushed out of the full queue, unavailable, or left over at the deadline of close. */
  readonly dropped: number;
  readonly queued: number;
  /** Text of the last failure, or null; stays after the sink has recovered. */
  readonly lastError: string | null;
  /**
   * Of `sent`, from the first on, what is certain to have arrived; the rest may be sent again. Only
   * where it differs from `sent`.
   */
  readonly confirmed?: number;
}

export interface Sink {
  /** As the configuration writes it. */
  readonly name: string;
  push(alert: Alert): void;
  stats(): SinkStats;
  /** Delivers what is queued for at most `deadlineMs`, then lets go of everything. */
  close(deadlineMs: number): Promise<void>;
  /** Opens a file anew (after a rename); connects anew where certificates are others now. */
  reopen?(): void;
}

/** Octets of one alert as this sink writes them; may keep state (a sequence number). */
export type Encode = (alert: Alert) => Uint8Array;

/** Says one line to the operator; called on changes of state only, never per alert. */
export type Report = (line: string) => void;
