import { expect, it, vi } from 'vitest';
import { Delivery } from '../../src/alerts/delivery.ts';
import { Gate } from '../../src/alerts/gate.ts';
import type { Journal } from '../../src/alerts/journal.ts';
import type { JournalRecord } from '../../src/alerts/record.ts';
import type { Sink } from '../../src/alerts/sinks/sink.ts';
import { alert, deniedAlert, T0 } from './sample.ts';

const at = { file: 'dnsvalve.yaml', line: 1, col: 1 };
const TARGET = { kind: 'file', path: '/x' } as const;

/** 1 to 300; those above 200 in memory, the others on the disk unless `missing`. Every tenth is new. */
function journalWithout(missing: ReadonlySet<number>) {
  const records = Array.from({ length: 300 }, (_, n): JournalRecord => {
    const one = n % 10 === 9 ? alert({ qname: `new${n}.example` }) : deniedAlert(n);
    return { sequence: n + 1, at: T0, alert: one };
  });
  const journal = {
    last: 300,
    heldFrom: 201,
    held: (sequence: number) => (sequence > 200 ? records[sequence - 1] : undefined),
    read: async (from: number) =>
      records.filter(
        ({ sequence: n }) => n >= from && n < from + 30 && n <= 200 && !missing.has(n),
      ),
  };
  return { journal: journal as unknown as Journal, records };
}

class Taken implements Sink {
  readonly name = 'taken';
  readonly types: string[] = [];
  push({ type }: { type: string }): void {
    this.types.push(type);
  }
  stats() {
    return { sent: this.types.length, dropped: 0, queued: 0, lastError: null };
  }
  async close(): Promise<void> {}
}

it('counts a hole in the middle once, and of it only what the sink wanted', async () => {
  const hole = Array.from({ length: 20 }, (_, n) => 51 + n);
  const { journal, records } = journalWithout(new Set(hole));
  const sink = new Taken();
  const gate = new Gate({
    to: 'taken',
    target: TARGET,
    format: 'json',
    facility: 1,
    at,
    types: ['denied'],
  });
  const delivery = new Delivery({ sink, gate, journal, report: () => {} });
  delivery.begin({ sequence: 0, lost: 0, ahead: 0 });
  for (const n of hole) delivery.notKept(records[n - 1] as JournalRecord);
  await vi.waitFor(() => expect(delivery.stats().queued).toBe(0));
  expect(delivery.stats()).toMatchObject({ sent: 270 - 18, dropped: 18 });
  expect(delivery.cursor).toEqual({ sequence: 300, lost: 18, ahead: 0 });
});

it('a start does not count again what was judged behind the cursor', async () => {
  const hole = Array.from({ length: 20 }, (_, n) => 1 + n);
  const { journal } = journalWithout(new Set(hole));
  const sink = new Taken();
  const gate = new Gate({ to: 'taken', target: TARGET, format: 'json', facility: 1, at });
  const delivery = new Delivery({ sink, gate, journal, report: () => {} });
  // Of 20 that are gone, 15 were judged; 5 were with the sink and are lost now.
  delivery.begin({ sequence: 0, lost: 12, ahead: 15 });
  await vi.waitFor(() => expect(delivery.stats().queued).toBe(0));
  expect(delivery.stats()).toMatchObject({ sent: 280, dropped: 17 });
});
