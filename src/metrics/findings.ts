/** Metrics of what people are told, and of the history: alerts, sinks, detectors, the recorder. */

import type { DispatchStats, FindingCount } from '../alerts/dispatch.ts';
import { LEDGER_PENDING, LEDGER_SHED } from '../counters.ts';
import { DETECTOR_NAMES } from '../detect/detectors.ts';
import type { RowsUsage } from '../detect/usage.ts';
import { fillOf, type RingMemory } from '../events/ring.ts';
import type { RecorderStats } from '../history/messages.ts';
import type { Exposition, Sample } from './exposition.ts';

const NOTHING: FindingCount = { told: 0, denied: 0 };

export function writeAlerts(page: Exposition, stats: DispatchStats): void {
  const types = Object.entries(stats.byType).map(([type, count]): Sample => [{ type }, count]);
  page.counter('dnsvalve_alerts', 'Alerts after folding, by type.', types);
  const names = sinkLabels(stats.sinks.map(({ name }) => name));
  const each = (value: (sink: DispatchStats['sinks'][number]) => number): Sample[] =>
    stats.sinks.map((sink, index) => [{ sink: names[index] ?? '' }, value(sink)]);
  page.counter(
    'dnsvalve_alert_sink_sent',
    'Alerts that the sink took.',
    each(({ sent }) => sent),
  );
  const lost = each(({ dropped }) => dropped);
  page.counter('dnsvalve_alert_sink_dropped', 'Alerts that were given up.', lost);
  const waiting = each(({ queued }) => queued);
  page.gauge('dnsvalve_alert_sink_queued', 'Alerts that wait for the sink.', waiting);
}

/** A path of a webhook may be a secret, so only its origin is shown; equal ones are numbered. */
function sinkLabels(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const shown = /^https?:/.test(name) && URL.canParse(name) ? new URL(name).origin : name;
    const times = (seen.get(shown) ?? 0) + 1;
    seen.set(shown, times);
    return times === 1 ? shown : `${shown} #${times}`;
  });
}

export function writeDetectors(
  page: Exposition,
  findings: DispatchStats['findings'],
  usage: Readonly<Record<string, RowsUsage>>,
): void {
  const found = DETECTOR_NAMES.map((name) => [name, findings[name] ?? NOTHING] as const);
  const told = found.map(([detector, counts]): Sample => [{ detector }, counts.told]);
  page.counter('dnsvalve_findings', 'Queries that a detector found something about.', told);
  const denied = found.map(([detector, counts]): Sample => [{ detector }, counts.denied]);
  page.counter('dnsvalve_findings_denied', 'Those of them that were denied for it.', denied);
  const each = (value: (rows: RowsUsage) => number): Sample[] =>
    Object.entries(usage).map(([ledger, rows]) => [{ ledger }, value(rows)]);
  page.gauge(
    'dnsvalve_detector_rows',
    'Rows that a ledger has.',
    each(({ rows }) => rows),
  );
  page.gauge(
    'dnsvalve_detector_rows_used',
    'Rows in use.',
    each(({ used }) => used),
  );
  const evicted = 'Rows that gave way to others.';
  page.counter(
    'dnsvalve_detector_evictions',
    evicted,
    each(({ evicted }) => evicted),
  );
  const late = 'Locks that were not had in time; each counted as the worse case.';
  page.counter(
    'dnsvalve_detector_contended',
    late,
    each(({ contended }) => contended),
  );
}

export function writeHistory(page: Exposition, stats: RecorderStats | null): void {
  const one = (value: number | undefined): Sample[] => [[{}, value ?? 0]];
  const isUp = stats !== null && stats.error === null ? 1 : 0;
  page.gauge('dnsvalve_history_up', '1 while the history is written.', one(isUp));
  const rows = 'Rows that were written.';
  page.counter('dnsvalve_history_rows_written', rows, one(stats?.rowsWritten));
  const first = 'Pairs of workload and registrable domain that were stored for the first time.';
  page.counter('dnsvalve_first_seen', first, one(stats?.firstSeen));
  const shed = 'Records given up, for lack of room or while the database was in trouble.';
  page.counter('dnsvalve_history_shed', shed, one(stats?.shed));
  page.gauge('dnsvalve_history_queue_rows', 'Rows that wait.', one(stats?.queueDepth));
  const took = one((stats?.lastCommitMs ?? 0) / 1000);
  page.gauge('dnsvalve_history_last_commit_seconds', 'How long the last commit took.', took);
  const at = one((stats?.lastCommitAt ?? 0) / 1000);
  page.gauge('dnsvalve_history_last_commit_timestamp_seconds', 'When that was; 0 for never.', at);
  const size = 'Of the database and its write-ahead log.';
  page.gauge('dnsvalve_history_size_bytes', size, one(stats?.dbBytes));
}

/** On the way from the workers to the recorder. */
export function writeRings(
  page: Exposition,
  rings: readonly RingMemory[],
  counters: Float64Array,
): void {
  const each = (value: (ring: RingMemory) => number): Sample[] =>
    rings.map((ring, index) => [{ worker: String(index) }, value(ring)]);
  page.gauge('dnsvalve_ring_records', 'Records that the recorder has not read.', each(fillOf));
  const room = each(({ capacity }) => capacity);
  page.gauge('dnsvalve_ring_capacity_records', 'Records that a ring holds.', room);
  page.gauge('dnsvalve_ledger_pending', 'Pairs and names that are still to be handed over.', [
    [{}, counters[LEDGER_PENDING] ?? 0],
  ]);
  page.counter('dnsvalve_ledger_shed', 'Details that a worker gave up for lack of room.', [
    [{}, counters[LEDGER_SHED] ?? 0],
  ]);
}
