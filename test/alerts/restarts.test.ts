/**
 * 100,000 alerts to a real rsyslogd that is killed and restarted ten times while it takes them. It
 * writes what it reads at once (a direct queue): what a collector has read and then loses from its
 * own memory is beyond what a sender can know.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Delivery } from '../../src/alerts/delivery.ts';
import { Gate } from '../../src/alerts/gate.ts';
import { Journal } from '../../src/alerts/journal.ts';
import { messageEncoder } from '../../src/alerts/rfc5424.ts';
import { TcpSink } from '../../src/alerts/sinks/tcp.ts';
import { freePort } from '../support/processes.ts';
import { rsyslogMissing } from './rsyslog.ts';
import { deniedAlert, T0 } from './sample.ts';

const TOTAL = 100_000;
const RESTARTS = 10;
const PROGRAM = ['/usr/sbin/rsyslogd', '/usr/bin/rsyslogd', '/sbin/rsyslogd'].find(existsSync);
const TARGET = {
  kind: 'syslog-tcp',
  host: '127.0.0.1',
  port: 1,
  framing: 'octet-counting',
} as const;
const at = { file: 'dnsvalve.yaml', line: 1, col: 1 };

let folder = '';
let collector: ChildProcess | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dnsvalve-restarts-'));
});

afterEach(async () => {
  await end('SIGKILL');
  rmSync(folder, { recursive: true });
});

function startCollector(port: number): void {
  const config = join(folder, 'rsyslog.conf');
  writeFileSync(
    config,
    `global(workDirectory="${folder}" internalmsg.severity="emerg")
main_queue(queue.type="direct")
module(load="imtcp")
template(name="number" type="string" string="%msg:R,ERE,1,BLANK:www\\\\.d([0-9]+)\\\\.example A--end%\\n")
ruleset(name="all" queue.type="direct") {
  action(type="omfile" file="${join(folder, 'taken')}" template="number" asyncWriting="off")
}
input(type="imtcp" address="127.0.0.1" port="${port}" ruleset="all")
`,
  );
  const pid = join(folder, 'pid');
  rmSync(pid, { force: true });
  collector = spawn(PROGRAM ?? '', ['-n', '-f', config, '-i', pid], { stdio: 'ignore' });
}

async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const child = collector;
  collector = null;
  if (child === null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

function taken(): number[] {
  return readFileSync(join(folder, 'taken'), 'latin1').split('\n').slice(0, -1).map(Number);
}

function takenOctets(): number {
  return existsSync(join(folder, 'taken')) ? statSync(join(folder, 'taken')).size : 0;
}

/** A sink and what feeds it, as spool.ts builds them, with short pauses. */
function feed(port: number) {
  let delivery: Delivery | null = null;
  const report = (): void => {};
  const journal = new Journal(
    {
      directory: join(folder, 'alerts'),
      sizeBytes: 1e9,
      ageMs: 86_400_000,
      now: () => T0,
      report,
      onGone: (last, records) => delivery?.gone(last, records),
      onNotKept: (record) => delivery?.notKept(record),
      isWanted: (sequence) => delivery?.isWaitingFor(sequence) ?? false,
    },
    0,
  );
  const sink = new TcpSink({
    name: 'collector',
    host: '127.0.0.1',
    port,
    encode: messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 }),
    report,
    backoff: { firstMs: 10, maxMs: 50, random: () => 0.5 },
  });
  const to = 'syslog+tcp://127.0.0.1';
  const gate = new Gate({ to, target: TARGET, format: 'rfc5424', facility: 20, at });
  delivery = new Delivery({ sink, gate, journal, report });
  delivery.begin({ sequence: 0, lost: 0, ahead: 0 });
  return { journal, delivery };
}

describe.skipIf(rsyslogMissing() !== null)('a collector that is restarted ten times', () => {
  it('gets every alert in order, and again only what it may not have read', {
    timeout: 240_000,
  }, async () => {
    const port = await freePort();
    startCollector(port);
    const { journal, delivery } = feed(port);
    const pump = setInterval(() => delivery.pump(), 5);
    try {
      for (let n = 0; n < RESTARTS; n++) {
        const before = takenOctets();
        const each = TOTAL / RESTARTS;
        for (let m = 0; m < each; m++) journal.append(deniedAlert(n * each + m));
        const kept = (): void => expect(journal.stats().unwritten).toBe(0);
        await vi.waitFor(kept, { timeout: 60_000, interval: 1 });
        const grown = (): void => expect(takenOctets()).toBeGreaterThan(before + 3_000);
        await vi.waitFor(grown, { timeout: 60_000, interval: 1 });
        await end(n % 3 === 2 ? 'SIGTERM' : 'SIGKILL');
        startCollector(port);
      }
      const all = (): void => expect(taken().at(-1)).toBe(TOTAL - 1);
      await vi.waitFor(all, { timeout: 120_000, interval: 200 });
      const returns = returnsIn(taken());
      expect(returns).toBeGreaterThan(0); // guard against a vacuous pass
      expect(returns).toBeLessThanOrEqual(RESTARTS);
      expect(delivery.stats()).toMatchObject({ sent: TOTAL, dropped: 0, queued: 0 });
    } finally {
      clearInterval(pump);
      await delivery.close(0);
      await journal.close();
    }
  });
});

/** How often `numbers` go back; between that they are every number, in order, none left out. */
function returnsIn(numbers: readonly number[]): number {
  let most = -1;
  let before = -1;
  let returns = 0;
  const skipped: number[] = [];
  for (const number of numbers) {
    if (number !== before + 1) returns++;
    if (number > most + 1) skipped.push(number);
    before = number;
    most = Math.max(most, number);
  }
  expect(skipped).toEqual([]);
  expect(most).toBe(TOTAL - 1);
  return returns;
}
