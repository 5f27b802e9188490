/** The audit log: written, mended, and checked for every way in which it may have been changed. */

import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headPath } from '../../src/audit/head.ts';
import { AuditLog } from '../../src/audit/log.ts';
import type { Act } from '../../src/audit/record.ts';
import { checkAudit } from '../../src/audit/verify.ts';
import { temporaryDirectory } from '../history/support/fixture.ts';

const NOON = Date.UTC(2026, 2, 1, 12);
const BY = { via: 'control', uid: 1000, gid: 100, pid: 7 } as const;

function reload(reason: string): Act {
  return { act: 'reload', by: BY, details: { refused: reason } };
}

interface Opened {
  readonly audit: AuditLog;
  readonly directory: string;
  readonly reported: string[];
}

function opened(directory = temporaryDirectory()): Opened {
  const reported: string[] = [];
  const report = (line: string): unknown => reported.push(line);
  return {
    audit: new AuditLog({ stateDirectory: directory, now: () => NOON, report }),
    directory,
    reported,
  };
}

/** A log of three records. */
async function written(): Promise<Opened> {
  const log = opened();
  for (const reason of ['one', 'two', 'thr\u00e9e']) await log.audit.record(reload(reason));
  await log.audit.close(10_000); // the head follows behind
  return log;
}

function check(path: string, digest: string | null = null) {
  return checkAudit(path, { digest });
}

describe('a log that nobody touched', () => {
  it('is whole, and its records say who, what and when', async () => {
    const { audit } = await written();
    const records: unknown[] = [];
    const report = checkAudit(audit.path, { digest: null, onRecord: (one) => records.push(one) });
    expect(report).toMatchObject({ records: 3, findings: [], notes: [], last: { seq: 3 } });
    expect(records[1]).toMatchObject({
      seq: 2,
      version: 1,
      time: '2026-03-01T12:00:00.000Z',
      act: 'reload',
      by: BY,
      details: { refused: 'two' },
    });
  });

  it('goes on where an earlier run ended', async () => {
    const { directory, audit } = await written();
    expect(await opened(directory).audit.record(reload('four'))).toBe(true);
    expect(check(audit.path)).toMatchObject({ records: 4, findings: [] });
  });

  it('holds acts that came at the same time in their order', async () => {
    const { audit } = opened();
    for (let i = 0; i < 40; i++) void audit.record(reload(`${i}`));
    await audit.close(10_000);
    const seen: unknown[] = [];
    checkAudit(audit.path, { digest: null, onRecord: ({ details }) => seen.push(details) });
    expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => ({ refused: `${i}` })));
    expect(check(audit.path).findings).toEqual([]);
  });

  it('is whole without its head for who kept the digest of a record', async () => {
    const { audit } = await written();
    const digest = check(audit.path).last?.sha256 ?? '';
    rmSync(headPath(audit.path));
    expect(check(audit.path).findings).toHaveLength(1);
    expect(check(audit.path, digest).findings).toEqual([]);
    expect(check(audit.path, 'f'.repeat(64)).findings).toHaveLength(1);
  });

  it('cuts off a reason that is very long', async () => {
    const { audit } = opened();
    await audit.record(reload('x'.repeat(100_000)));
    expect(readFileSync(audit.path).length).toBeLessThan(5000);
    expect(check(audit.path).findings).toEqual([]);
  });
});

describe('a change is found', () => {
  /** The last bit, the one that makes letters capital, the one that is in no ASCII. */
  const FLIPS = [0x01, 0x20, 0x80];

  it.each(['log', 'head'])('of any octet of the %s', async (which) => {
    const { audit } = await written();
    const path = which === 'log' ? audit.path : headPath(audit.path);
    const octets = readFileSync(path);
    const unseen: number[] = [];
    for (let at = 0; at < octets.length; at++) {
      const changed = Buffer.from(octets);
      changed[at] = octets[at]! ^ FLIPS[at % FLIPS.length]!;
      writeFileSync(path, changed);
      if (check(audit.path).findings.length === 0) unseen.push(at);
    }
    expect(unseen).toEqual([]);
  });

  it('of its length, wherever it is cut', async () => {
    const { audit } = await written();
    const octets = readFileSync(audit.path);
    const unseen: number[] = [];
    for (let size = 0; size < octets.length; size++) {
      writeFileSync(audit.path, octets.subarray(0, size));
      if (check(audit.path).findings.length === 0) unseen.push(size);
    }
    expect(unseen).toEqual([]);
  });

  const ORDERS = [
    { name: 'a record left out', order: [0, 2] },
    { name: 'records that changed places', order: [1, 0, 2] },
    { name: 'a record that is there twice', order: [0, 1, 1, 2] },
    { name: 'a first record that is missing', order: [1, 2] },
  ];
  it.each(ORDERS)('$name', async ({ order }) => {
    const { audit } = await written();
    const lines = readFileSync(audit.path, 'utf8').split('\n');
    writeFileSync(audit.path, order.map((i) => `${lines[i]}\n`).join(''));
    expect(check(audit.path).findings).not.toEqual([]);
  });

  const GAPS = [
    {
      name: 'a log that was removed',
      change: (path: string) => rmSync(path),
    },
    {
      name: 'a log whose newest record was removed',
      change: (path: string) => {
        const lines = readFileSync(path, 'utf8').split('\n');
        writeFileSync(path, `${lines.slice(0, 2).join('\n')}\n`);
      },
    },
    {
      name: 'a last record that was changed',
      change: (path: string) => {
        writeFileSync(path, readFileSync(path, 'utf8').replace('thr\u00e9e', 'four'));
      },
    },
    { name: 'a head that was removed', change: (path: string) => rmSync(headPath(path)) },
    {
      name: 'a head of another log',
      change: (path: string) => writeFileSync(headPath(path), `3 ${'a'.repeat(64)}\n`),
    },
  ];
  it.each(GAPS)('after the next act too: $name', async ({ change }) => {
    const { audit } = await written();
    change(audit.path);
    expect(await audit.record(reload('next'))).toBe(true);
    const { findings, last } = check(audit.path);
    expect(findings.join('\n')).toContain('the writer found records missing or changed');
    expect(last?.seq).toBe(5);
    expect(await audit.record(reload('and on'))).toBe(true);
    expect(check(audit.path).findings).toEqual(findings);
  });
});

describe('a crash', () => {
  it('in the middle of a record leaves an end that is cut off, kept in a note', async () => {
    const { audit } = await written();
    appendFileSync(audit.path, '{"seq":4,"ver');
    expect(check(audit.path).findings).toEqual(['line 4: is cut off']);
    await audit.record(reload('next'));
    const report = check(audit.path);
    expect(report).toMatchObject({ records: 5, findings: [] });
    expect(report.notes).toEqual(['record 4: an end that was cut off was removed']);
    expect(readFileSync(audit.path, 'utf8')).toContain('{\\"seq\\":4,\\"ver');
  });

  it('between the log and its head leaves nothing to complain about', async () => {
    const { audit } = await written();
    const head = readFileSync(headPath(audit.path));
    for (let i = 0; i < 5; i++) void audit.record(reload(`${i}`));
    await audit.close(10_000);
    writeFileSync(headPath(audit.path), head);
    expect(check(audit.path).findings).toEqual([]);
    await audit.record(reload('next'));
    expect(check(audit.path)).toMatchObject({ records: 9, findings: [], notes: [] });
  });
});

describe('a disk that refuses', () => {
  it('is told where no directory can be made', async () => {
    const { audit, reported } = opened('/proc/none/state');
    expect(await audit.record(reload('one'))).toBe(false);
    await audit.close(10_000);
    expect(audit.stats()).toMatchObject({ written: 0, lost: 1 });
    expect(reported.at(-1)).toContain('1 records are lost');
  });

  it('costs no act: they are written in order when it takes them again', async () => {
    const { audit, directory, reported } = opened(join(temporaryDirectory(), 'state'));
    writeFileSync(directory, 'in the way');
    expect(await audit.record(reload('one'))).toBe(false);
    expect(audit.stats()).toMatchObject({ written: 0, pending: 1, lost: 0 });
    expect(reported).toHaveLength(1);
    rmSync(directory);
    mkdirSync(directory);
    expect(await audit.record(reload('two'))).toBe(true);
    expect(audit.stats()).toMatchObject({ written: 2, pending: 0, lastError: null });
    expect(check(audit.path)).toMatchObject({ records: 2, findings: [] });
  });

  it('holds no act twice where the head could not be written', async () => {
    const { audit, directory } = await written();
    const way = join(directory, 'audit.head.new');
    mkdirSync(way);
    expect(await audit.record(reload('four'))).toBe(true);
    expect(await audit.record(reload('five'))).toBe(true);
    expect(check(audit.path)).toMatchObject({ records: 5, findings: [] });
    rmSync(way, { recursive: true });
    expect(await audit.record(reload('six'))).toBe(true);
    const seen: unknown[] = [];
    checkAudit(audit.path, { digest: null, onRecord: ({ details }) => seen.push(details) });
    expect(seen.slice(3)).toEqual(['four', 'five', 'six'].map((refused) => ({ refused })));
    expect(check(audit.path).findings).toEqual([]);
  });

  it('costs what the bound drops, and the log says how many', async () => {
    const { audit, directory } = opened(join(temporaryDirectory(), 'state'));
    writeFileSync(directory, 'in the way');
    await Promise.all(Array.from({ length: 1003 }, (_, i) => audit.record(reload(`${i}`))));
    rmSync(directory);
    await audit.close(25_000);
    expect(audit.stats()).toMatchObject({ written: 1000, pending: 0, lost: 3 });
    const { records, findings } = check(audit.path);
    expect({ records, findings }).toEqual({
      records: 1001,
      findings: ['record 1: 3 acts could not be written'],
    });
  });
});
