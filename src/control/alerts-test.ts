/**
 * alerts test: one alert through every sink, each over a connection of its own: the answer does
 * not wait for what is queued, nothing filters or folds it, and what is queued stays in order.
 */

import { type Alert, operationalAlert } from '../alerts/alert.ts';
import { openSink } from '../alerts/sinks/open.ts';
import type { Sink } from '../alerts/sinks/sink.ts';
import type { OpenUnixDatagram } from '../alerts/sinks/unix.ts';
import type { Sink as SinkConfig } from '../config/sink-types.ts';
import { messageOf } from '../errors.ts';

export interface SinkTrial {
  readonly name: string;
  readonly ok: boolean;
  /** Why not, or null. */
  readonly reason: string | null;
}

export interface AlertsTrial {
  /** Of the alert that was sent; collectors have it under this. */
  readonly id: string;
  readonly sinks: readonly SinkTrial[];
}

export interface TrialOptions {
  readonly sinks: readonly SinkConfig[];
  readonly openUnixDatagram: OpenUnixDatagram;
  readonly nowMs: number;
  /** How long a sink may take. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 10_000;
/** How often a sink is asked whether it has delivered. */
const LOOK_MS = 20;
const LAST_WORD_MS = 2_000;

export async function testAlerts(options: TrialOptions): Promise<AlertsTrial> {
  const reason = 'asked for by `dnsvalve alerts test`; nothing has happened';
  const alert = operationalAlert('test', 'dnsvalve', { reason, atMs: options.nowMs });
  const sinks = await Promise.all(options.sinks.map((sink) => tryOne(sink, alert, options)));
  return { id: alert.id, sinks };
}

async function tryOne(config: SinkConfig, alert: Alert, options: TrialOptions): Promise<SinkTrial> {
  const { openUnixDatagram, deadlineMs = DEADLINE_MS } = options;
  const name = config.to;
  const reasons: string[] = [];
  let sink: Sink;
  try {
    sink = openSink(config, { openUnixDatagram, report: (line) => reasons.push(line) });
  } catch (error) {
    return { name, ok: false, reason: messageOf(error) };
  }
  sink.push(alert);
  await settled(sink, performance.now() + deadlineMs);
  // Closing waits for the peer's last word: over TLS 1.3 it refuses a certificate only after the
  // client has begun to send.
  await sink.close(sink.stats().sent === 1 ? LAST_WORD_MS : 0);
  const { sent, lastError } = sink.stats();
  if (sent === 1 && lastError === null) return { name, ok: true, reason: null };
  return { name, ok: false, reason: lastError ?? reasons[0] ?? 'not delivered in time' };
}

/** Until the alert is delivered, given up, or has met trouble: one try is the test. */
async function settled(sink: Sink, endMs: number): Promise<void> {
  for (;;) {
    const { sent, dropped, lastError } = sink.stats();
    if (sent + dropped > 0 || lastError !== null || performance.now() > endMs) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, LOOK_MS);
    await promise;
  }
}
