/** Rate limits of workloads: what is let through, refused and dropped, by a clock that is turned. */

import { describe, expect, it } from 'vitest';
import { LimitedWatch } from '../../src/metrics/limited.ts';
import { Meters } from '../../src/metrics/meters.ts';
import { rateText } from '../../src/overload/compile.ts';
import { DROP, FORWARD, RESPOND } from '../../src/query.ts';
import { buildQuery, type Message, readMessage } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles, Valve } from '../support/replay-valve.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
rate_limit: { queries: 100, misses: 10 }
unmapped: { rate_limit: { queries: 5 } }
workloads:
  api: { owner: team-api, sources: [10.1.0.0/16], mode: open }
  web: { sources: [10.2.0.0/16], mode: open, rate_limit: { queries: 50, burst: 4s } }
  free: { sources: [10.3.0.0/16], mode: open, rate_limit: { queries: 0, misses: 0 } }
`;
const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
const [API, WEB, FREE, NOBODY] = ['10.1.0.1', '10.2.0.1', '10.3.0.1', '192.0.2.9'];
const REFUSED = 5;
const OTHER = 0;

/** Tables are shared; each test has buckets of its own. */
function open(): Valve {
  const { rates } = snapshot.memory;
  const memory = { ...rates, words: new Int32Array(new SharedArrayBuffer(rates.words.byteLength)) };
  return new Valve({ ...snapshot, memory: { ...snapshot.memory, rates: memory } });
}

interface Seen {
  admitted: number;
  refused: number;
  dropped: number;
}

function isRefusal(message: Message): boolean {
  return message.rcode === REFUSED && message.ede === OTHER && /rate limited/.test(message.edeText);
}

/** Asks for a local name so many times. */
function flood(valve: Valve, from: string, times: number, overTcp = false): Seen {
  const seen = { admitted: 0, refused: 0, dropped: 0 };
  const octets = buildQuery({ name: 'localhost', edns: { size: 1232 } });
  for (let i = 0; i < times; i++) {
    const { verdict, client } = valve.send({ from, octets, overTcp });
    const response = valve.response(client);
    if (verdict === DROP) seen.dropped++;
    else if (response !== null && isRefusal(readMessage(response))) seen.refused++;
    else seen.admitted++;
  }
  return seen;
}

describe('queries a second', () => {
  it('beyond the burst as many are refused as were let through, and the rest is dropped', () => {
    expect(flood(open(), API, 1000)).toEqual({ admitted: 100, refused: 100, dropped: 800 });
  });

  it('over TCP everything beyond is refused', () => {
    expect(flood(open(), API, 1000, true)).toEqual({ admitted: 100, refused: 900, dropped: 0 });
  });

  it('what a second brings is what the limit says, however it is cut', () => {
    const valve = open();
    flood(valve, API, 1000);
    const sum = { admitted: 0, refused: 0, dropped: 0 };
    for (let ms = 0; ms < 10_000; ms += 7) {
      valve.pass(0.007);
      const { admitted, refused, dropped } = flood(valve, API, 3);
      sum.admitted += admitted;
      sum.refused += refused;
      sum.dropped += dropped;
    }
    expect(sum.admitted).toBeGreaterThanOrEqual(995);
    expect(sum.admitted).toBeLessThanOrEqual(1001);
    expect(sum.refused).toBeLessThanOrEqual(1001);
  });

  it('time without queries fills the bucket, and no further', () => {
    const valve = open();
    flood(valve, WEB, 1000);
    valve.pass(3600 * 24 * 40);
    expect(flood(valve, WEB, 1000).admitted).toBe(200);
    valve.pass(3600);
    flood(valve, WEB, 1);
    valve.pass(3600);
    expect(flood(valve, WEB, 1000).admitted).toBe(200);
  });

  it('the limit of one workload is not that of another', () => {
    const valve = open();
    flood(valve, API, 1000);
    expect(flood(valve, WEB, 100)).toEqual({ admitted: 100, refused: 0, dropped: 0 });
    expect(flood(valve, FREE, 5000)).toEqual({ admitted: 5000, refused: 0, dropped: 0 });
  });

  it('strangers beyond theirs are dropped without a word', () => {
    const valve = open();
    const octets = buildQuery({ name: 'x.test' });
    const verdicts = Array.from({ length: 8 }, () => valve.send({ from: NOBODY, octets }).verdict);
    expect(verdicts).toEqual([...Array(5).fill(RESPOND), DROP, DROP, DROP]);
  });

  it('workers share one bucket', () => {
    const first = open();
    const second = new Valve({ ...snapshot });
    second.forwarder.tables = first.forwarder.tables;
    const sum = flood(first, API, 60).admitted + flood(second, API, 60).admitted;
    expect(sum).toBe(100);
  });

  it('a reload fills the buckets, an exception that comes into force does not', () => {
    const valve = open();
    flood(valve, API, 200);
    valve.swap({ ...snapshot, memory: { ...snapshot.memory, rates: ratesOf(valve) } });
    expect(flood(valve, API, 1).admitted).toBe(0);
    valve.swap(snapshot);
    expect(flood(valve, API, 1).admitted).toBe(1);
  });

  it('what cannot be read counts, too', () => {
    const valve = open();
    const octets = buildQuery({ name: 'x.test' }).slice(0, -1);
    const verdicts = Array.from({ length: 201 }, () => valve.send({ from: API, octets }).verdict);
    expect(verdicts.at(-1)).toBe(DROP);
    expect(valve.counter('formerr')).toBe(200);
  });

  it('the client is told who is limited, by how much and whom to ask', () => {
    const valve = open();
    flood(valve, API, 100);
    const { client } = valve.send({
      from: API,
      octets: buildQuery({ name: 'localhost', edns: { size: 1232 } }),
    });
    const { edeText } = readMessage(valve.response(client) as Buffer);
    expect(edeText).toMatch(/^api: rate limited, more than 100 queries\/s; ask team-api, policy: /);
  });
});

function ratesOf(valve: Valve) {
  return valve.forwarder.tables.rates.memory;
}

describe('what may come at once where nothing is said', () => {
  const usual = 'upstreams: { default: { servers: [192.0.2.53] } }\nrate_limit: { misses: 0 }\n';
  const rows = 'api: { sources: [10.1.0.0/16] }, slow: { sources: [10.2.0.0/16], rate_limit: ';

  async function openUsual(): Promise<Valve> {
    const main = `${usual}workloads: { ${rows}{ burst: 1s } } }\n`;
    return new Valve(await compileFiles({ 'main.yaml': main }, 1));
  }

  it('is 5,000, and from one address that is a flood that begins', async () => {
    const valve = await openUsual();
    expect(flood(valve, API, 6000)).toEqual({ admitted: 5000, refused: 100, dropped: 900 });
    expect(valve.memory.shield.isUrgent).toBe(true);
  });

  it('is for hundreds of addresses that begin together', async () => {
    const valve = await openUsual();
    for (let i = 0; i < 300; i++) {
      const from = `10.1.${i >>> 8}.${i & 255}`;
      expect(flood(valve, from, 16)).toEqual({ admitted: 16, refused: 0, dropped: 0 });
    }
    expect(valve.memory.shield.isUrgent).toBe(false);
  });

  it.each([
    ['over TCP', API, true],
    ['that somebody asked for', WEB, false],
  ])('a burst %s is no flood', async (_name, from, overTcp) => {
    const valve = await openUsual();
    expect(flood(valve, from, 5000, overTcp).admitted).toBe(5000);
    expect(valve.memory.shield.isUrgent).toBe(false);
  });
});

describe('queries upstream a second', () => {
  it('beyond the limit they are refused, charged to nobody and not asked', () => {
    const valve = open();
    const verdicts = Array.from({ length: 15 }, (_, i) => {
      const octets = buildQuery({ name: `n${i}.test`, edns: { size: 1232 } });
      return valve.send({ from: API, octets });
    });
    expect(verdicts.filter(({ verdict }) => verdict === FORWARD).length).toBe(10);
    expect(valve.asked.length).toBe(10);
    const last = readMessage(valve.response(verdicts.at(-1)?.client ?? -1) as Buffer);
    expect(last.rcode).toBe(REFUSED);
    expect(last.edeText).toContain('more than 10 queries upstream/s');
  });

  it('what the store holds is answered all the same', () => {
    const valve = open();
    const octets = buildQuery({ name: 'www.test', edns: { size: 1232 } });
    valve.send({ from: API, octets });
    valve.answer(
      valve.asked[0]!,
      answerTo('www.test', 'A', { answer: ['www.test. 60 A 192.0.2.1'] }),
    );
    for (let i = 0; i < 9; i++) {
      valve.send({ from: API, octets: buildQuery({ name: `n${i}.test` }) });
    }
    const { client } = valve.send({ from: API, octets });
    expect(readMessage(valve.response(client) as Buffer).answers.length).toBe(1);
    expect(valve.send({ from: API, octets: buildQuery({ name: 'more.test' }) }).verdict).toBe(
      RESPOND,
    );
    expect(valve.counter('rate_misses')).toBe(1);
  });
});

describe('what people see', () => {
  it('counts by workload, and how many since the last look', () => {
    const meters = new Meters();
    meters.assign(snapshot.memory.workloads);
    const watch = new LimitedWatch();
    const valve = open();
    const counted = { slots: meters.slots, totals: () => valve.meter };
    flood(valve, API, 300);
    expect([...watch.look(counted)]).toEqual([['api', 200]]);
    expect([...watch.look(counted)]).toEqual([]);
    flood(valve, API, 7);
    expect([...watch.look(counted)]).toEqual([['api', 7]]);
    expect([valve.counter('rate_refused'), valve.counter('rate_shed')]).toEqual([100, 107]);
  });

  it('a limit reads as people write it', () => {
    const { rates } = snapshot.memory;
    expect([1, 2, 3].map((workload) => rateText(workload, rates))).toEqual([
      '100 queries/s, 10 upstream/s',
      '50 queries/s, 10 upstream/s',
      '',
    ]);
  });
});
