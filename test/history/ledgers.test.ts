/** Ledgers over a restart: what one run held, the next one finds under another hash key. */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import {
  CHANNEL_DENIED_UNTIL,
  CHANNEL_DOMAIN,
  CHANNEL_FLAGS,
  CHANNEL_NAMES,
  CHANNEL_WORKLOAD,
  IS_QUIET,
  IS_READY,
} from '../../src/detect/channels.ts';
import { createDetectMemory } from '../../src/detect/create.ts';
import type { DetectMemory } from '../../src/detect/memory.ts';
import { ROW_SECONDS, ROW_WORTH, Rows } from '../../src/detect/rows.ts';
import { Seen } from '../../src/detect/seen.ts';
import { FINDING_TUNNEL, KIND_NAME } from '../../src/events/kinds.ts';
import { workloadKey } from '../../src/identity/workload-key.ts';
import { setHashKey } from '../../src/wire/hash.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { type Fixture, fixture, tableRows, temporaryDirectory } from './support/fixture.ts';
import { NOON, type RecordSpec } from './support/records.ts';

const NOW = NOON / 1000;
const DAY = 86_400;

afterAll(() => setHashKey(1, 2));

/** One run of the daemon: its own key, its own rows, the same file. */
class Run {
  readonly memory: DetectMemory;
  readonly test: Fixture;
  readonly channels: Rows;
  readonly spreads: Rows;

  constructor(path: string, key: number, memory = createDetectMemory(1 << 20), ms = NOON) {
    const hashKey = { k0: key, k1: key + 1 };
    setHashKey(hashKey.k0, hashKey.k1);
    this.memory = memory;
    this.test = fixture({ path, detect: { memory, hashKey, isFirst: true }, nowMs: ms });
    this.channels = new Rows(memory.channels, 1);
    this.spreads = new Rows(memory.spreads, 1);
  }

  /** As a worker would: the record of a query, and its ledger. */
  charge(domain: string, worth: number, more: Partial<Charge> = {}): void {
    const { workload = 'pay', seconds = NOW, words = {} } = more;
    const { low, high } = workloadKey(workload);
    const name = hashOf(domain);
    const row = this.channels.lock(low ^ name.low, high ^ name.high, seconds);
    this.channels.floats[row + ROW_WORTH] = worth;
    this.channels.words[row + ROW_SECONDS] = seconds;
    const owned = { [CHANNEL_WORKLOAD]: low, [CHANNEL_WORKLOAD + 1]: high };
    const named = { [CHANNEL_DOMAIN]: name.low, [CHANNEL_DOMAIN + 1]: name.high };
    const all = { [CHANNEL_FLAGS]: IS_READY | IS_QUIET, ...owned, ...named, ...words };
    for (const [at, word] of Object.entries(all)) this.channels.words[row + Number(at)] = word;
    this.channels.unlock();
  }

  put(...records: readonly RecordSpec[]): void {
    this.test.put(records.map((record) => ({ ...record, hash: hashOf })));
  }

  /** The words of a ledger; null where there is none. */
  row(domain: string, workload = 'pay'): { worth: number; words: Int32Array } | null {
    const { low, high } = workloadKey(workload);
    const name = hashOf(domain);
    const row = this.channels.lockKnown(low ^ name.low, high ^ name.high);
    if (row === -1) return null;
    this.channels.unlock();
    const worth = this.channels.floats[row + ROW_WORTH] ?? 0;
    return { worth, words: this.channels.words.slice(row, row + this.memory.channels.rowWords) };
  }
}

interface Charge {
  readonly workload: string;
  readonly seconds: number;
  readonly words: Readonly<Record<number, number>>;
}

function hashOf(text: string): { low: number; high: number } {
  const wire = nameToWire(text);
  const name = new WireName();
  readName(wire, 0, wire.length, name);
  return { low: (name.low[0] ?? 0) | 0, high: (name.high[0] ?? 0) | 0 };
}

function historyPath(): string {
  return join(temporaryDirectory(), 'history.db');
}

const query = (name: string): RecordSpec => ({ name, allowed: 1 });

describe('a ledger', () => {
  it('goes on after a restart, with its words, under another key', () => {
    const path = historyPath();
    const first = new Run(path, 1);
    first.put(query('x.one.test'));
    first.charge('one.test', 120, { words: { [CHANNEL_NAMES]: 17 } });
    first.test.recording.close();

    const second = new Run(path, 77);
    const row = second.row('one.test');
    expect(row?.worth).toBe(120);
    expect(row?.words[CHANNEL_NAMES]).toBe(17);
    expect(row?.words[ROW_SECONDS]).toBe(NOW);
    const { low, high } = workloadKey('pay');
    expect([...(row?.words.slice(CHANNEL_WORKLOAD, CHANNEL_WORKLOAD + 2) ?? [])]).toEqual([
      low,
      high,
    ]);
  });

  it('leaves it to the next run whether the domain is quiet', () => {
    const path = historyPath();
    const first = new Run(path, 1);
    first.put(query('x.one.test'));
    first.charge('one.test', 120);
    first.test.recording.close();
    expect(new Run(path, 2).row('one.test')?.words[CHANNEL_FLAGS]).toBe(0);
  });

  it('is collected every ten seconds, and a second after a finding', () => {
    const run = new Run(historyPath(), 1);
    const worths = () => tableRows(run.test.path, 'SELECT worth FROM ledger');
    const flushAt = (seconds: number) => {
      run.test.clock.ms = NOON + seconds * 1000;
      expect(run.test.recording.flush()).toBe(true);
    };
    run.put(query('x.one.test'));
    run.charge('one.test', 100);
    flushAt(0);
    expect(worths()).toEqual([{ worth: 100 }]);
    run.charge('one.test', 110, { seconds: NOW + 9 });
    flushAt(9);
    expect(worths()).toEqual([{ worth: 100 }]);
    flushAt(10);
    expect(worths()).toEqual([{ worth: 110 }]);
    run.charge('one.test', 170, { seconds: NOW + 11 });
    run.put({
      name: 'y.one.test',
      finding: { type: FINDING_TUNNEL, score: 170, threshold: 160 },
    });
    flushAt(11);
    expect(worths()).toEqual([{ worth: 170 }]);
  });

  it('that a finding names is kept although its domain is no registrable one', () => {
    const path = historyPath();
    const first = new Run(path, 1);
    const zone = '1.10.in-addr.arpa';
    const found = { type: FINDING_TUNNEL, score: 170, threshold: 160 };
    first.put({ name: `9.9.${zone}`, registrable: zone, finding: found });
    first.charge(zone, 170);
    first.test.recording.close();
    expect(new Run(path, 2).row(zone)?.worth).toBe(170);
  });

  it('of another workload is another', () => {
    const path = historyPath();
    const first = new Run(path, 1);
    first.put(query('x.one.test'), { ...query('x.one.test'), workload: 2 });
    first.charge('one.test', 50);
    first.charge('one.test', 60, { workload: 'web' });
    first.test.recording.close();
    const second = new Run(path, 2);
    expect(second.row('one.test', 'pay')?.worth).toBe(50);
    expect(second.row('one.test', 'web')?.worth).toBe(60);
  });

  it('of a workload alone is kept too', () => {
    const path = historyPath();
    const first = new Run(path, 1);
    const key = workloadKey('pay');
    const row = first.spreads.lock(key.low, key.high, NOW);
    first.spreads.floats[row + ROW_WORTH] = 400;
    first.spreads.unlock();
    first.test.recording.close();
    const second = new Run(path, 2);
    const { low, high } = workloadKey('pay');
    const again = second.spreads.lockKnown(low, high);
    expect(second.spreads.floats[again + ROW_WORTH]).toBe(400);
  });

  it('that has faded away, or is of little weight, is not put back', () => {
    const path = historyPath();
    const first = new Run(path, 1);
    first.put(query('x.faded.test'), query('x.small.test'), query('x.denied.test'));
    first.charge('faded.test', 100);
    first.charge('small.test', 15);
    first.charge('denied.test', 1, { words: { [CHANNEL_DENIED_UNTIL]: NOW + 7 * DAY } });
    first.test.recording.close();
    const second = new Run(path, 2, createDetectMemory(1 << 20), NOON + 3 * DAY * 1000);
    expect(second.row('faded.test')).toBeNull();
    expect(second.row('small.test')).toBeNull();
    expect(second.row('denied.test')?.words[CHANNEL_DENIED_UNTIL]).toBe(NOW + 7 * DAY);
  });

  it('brings the names that it was charged for', () => {
    const path = historyPath();
    const first = new Run(path, 1);
    first.put(query('a.one.test'), { ...query('a.one.test'), kind: KIND_NAME });
    first.put(query('b.one.test'), { ...query('b.one.test'), kind: KIND_NAME });
    first.charge('one.test', 100);
    first.test.recording.close();
    const second = new Run(path, 2);
    const seen = new Seen(second.memory.seen);
    const { low, high } = workloadKey('pay');
    const wasSeen = (text: string): boolean => {
      const name = hashOf(text);
      return seen.add(low ^ name.low, high ^ name.high);
    };
    expect(['a.one.test', 'b.one.test', 'c.one.test'].map(wasSeen)).toEqual([true, true, false]);
  });
});

describe('ledgers that cannot be used', () => {
  const rows: { name: string; sql: string }[] = [
    { name: 'of a kind that this program has not', sql: 'UPDATE ledger SET kind = 99' },
    { name: 'with words of another layout', sql: "UPDATE ledger SET words = x'01020304'" },
    { name: 'with fewer octets than words', sql: "UPDATE ledger SET words = x'010203'" },
    { name: 'of a worth below nothing', sql: 'UPDATE ledger SET worth = -1e300' },
    { name: 'whose domain is no name', sql: `UPDATE ledger SET name_rev = '${'x'.repeat(70)}.'` },
    { name: 'that are too old to say anything', sql: 'UPDATE ledger SET seconds = 5' },
  ];
  it.each(rows)('$name are left out', ({ sql }) => {
    const path = historyPath();
    const first = new Run(path, 1);
    first.put(query('x.one.test'));
    first.charge('one.test', 120);
    first.test.recording.close();
    const db = new Database(path);
    expect(db.prepare(sql).run().changes).toBe(1);
    db.close();
    const second = new Run(path, 2);
    expect(second.row('one.test')).toBeNull();
    expect(second.test.notices()).toEqual([]);
    expect(second.test.recording.flush()).toBe(true);
    expect(second.test.recording.stats().error).toBeNull();
  });

  it('because the file cannot be read are said, and the recorder goes on', () => {
    const path = historyPath();
    new Database(path).exec('CREATE TABLE other (x)').close();
    const run = new Run(path, 1);
    expect(run.test.notices().at(-1)).toContain('ledgers of earlier runs cannot be read');
  });
});

describe('a recorder that is started anew', () => {
  it('leaves the rows as they are', () => {
    const path = historyPath();
    const first = new Run(path, 1);
    first.put(query('x.one.test'));
    first.charge('one.test', 120);
    first.test.recording.close();
    first.charge('one.test', 150, { seconds: NOW + 1 });
    const detect = { memory: first.memory, hashKey: { k0: 1, k1: 2 }, isFirst: false };
    fixture({ path, detect });
    expect(first.row('one.test')?.worth).toBe(150);
  });
});
