/** Who finds a place to wait for an upstream when there are not enough. */

import { describe, expect, it } from 'vitest';
import { DROP, FORWARD } from '../../src/query.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles, Valve } from '../support/replay-valve.ts';

const WORKLOADS = 5;
/** As many as one workload may have wait, and as many questions as there may be. */
const SHARE = 2048;
const PLACES = 8192;
const STRANGERS = 512;
const [SERVFAIL, OTHER] = [2, 0];
const STRANGER = '192.0.2.7';
const rows = Array.from(
  { length: WORKLOADS },
  (_, i) => `  w${i}: { sources: [10.${i}.0.0/16], mode: open }`,
);
const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
rate_limit: { queries: 0 }
unmapped: { mode: open }
workloads:
${rows.join('\n')}
`;
const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
let nth = 0;

/** Asks for names that nobody asked for before. @returns clients that wait for an upstream */
function ask(valve: Valve, from: string, times = 1): number[] {
  const before = valve.asked.length;
  const clients = Array.from({ length: times }, () => {
    const octets = buildQuery({ name: `n${nth++}.test`, edns: { size: 1232 } });
    return valve.send({ from, octets });
  });
  expect(clients.every(({ verdict }) => verdict === FORWARD || verdict === DROP)).toBe(true);
  expect(valve.asked.length - before).toBeLessThanOrEqual(times);
  return clients.map(({ client }) => client).filter((client) => valve.response(client) === null);
}

function toldOf(valve: Valve, client: number): string {
  const { rcode, ede, edeText } = readMessage(valve.response(client) as Buffer);
  expect([rcode, ede]).toEqual([SERVFAIL, OTHER]);
  return edeText;
}

function full(): { valve: Valve; clients: number[] } {
  const valve = new Valve(snapshot);
  const clients = [0, 1, 2, 3].flatMap((i) => ask(valve, `10.${i}.0.1`, SHARE));
  expect(clients.length).toBe(PLACES);
  return { valve, clients };
}

describe('places to wait', () => {
  it('one workload has its share of them; beyond it is told at once', () => {
    const valve = new Valve(snapshot);
    expect(ask(valve, '10.0.0.1', SHARE + 10).length).toBe(SHARE);
    expect(valve.counter('dropped_overload')).toBe(10);
    expect(ask(valve, '10.1.0.1').length).toBe(1);
  });

  it('when all are taken and nobody has waited long, SERVFAIL with EDE 0 says so', () => {
    const { valve } = full();
    const octets = buildQuery({ name: 'one.more.test', edns: { size: 1232 } });
    const { client } = valve.send({ from: '10.4.0.1', octets });
    expect(toldOf(valve, client)).toMatch(/^overloaded/);
    expect(valve.counter('yielded')).toBe(0);
  });

  it('who has waited 200 ms in the second half of them gives way, the oldest first', () => {
    const { valve, clients } = full();
    valve.pass(0.2);
    expect(ask(valve, '10.4.0.1', 3).length).toBe(3);
    expect(valve.counter('yielded')).toBe(3);
    const oldest = clients.slice(PLACES / 2, PLACES / 2 + 3);
    for (const client of oldest) expect(toldOf(valve, client)).toMatch(/^overloaded/);
    const others = clients.filter((client) => !oldest.includes(client));
    expect(others.every((client) => valve.response(client) === null)).toBe(true);
  });

  it('the first half runs to its end, however many come', () => {
    const { valve, clients } = full();
    for (let turn = 0; turn < 6; turn++) {
      valve.pass(0.2);
      ask(valve, '10.4.0.1', SHARE);
    }
    const first = clients.slice(0, PLACES / 2);
    expect(first.every((client) => valve.response(client) === null)).toBe(true);
    const [asked] = valve.asked;
    valve.answer(asked!, answerTo(asked!.name, 'A', { answer: [`${asked!.name} 60 A 192.0.2.1`] }));
    expect(readMessage(valve.response(first[0]!) as Buffer).rcode).toBe(0);
  });

  it('what gave way is forgotten: it is asked anew, and its failure is not remembered', () => {
    const { valve, clients } = full();
    valve.pass(0.2);
    ask(valve, '10.4.0.1');
    const client = clients[PLACES / 2]!;
    const octets = buildQuery({ name: `n${nth - 1 - PLACES / 2}.test`, edns: { size: 1232 } });
    expect(toldOf(valve, client)).toMatch(/^overloaded/);
    expect(valve.send({ from: '10.4.0.1', octets }).verdict).toBe(FORWARD);
  });

  it('strangers have a quarter of a share, and no place at all when half are taken', () => {
    const valve = new Valve(snapshot);
    expect(ask(valve, STRANGER, SHARE).length).toBe(STRANGERS);
    const busy = new Valve(snapshot);
    const octets = buildQuery({ name: 'all.test', edns: { size: 1232 } });
    for (const i of [0, 1, 2, 3]) {
      for (let n = 0; n < SHARE; n++) busy.send({ from: `10.${i}.0.1`, octets });
    }
    expect(busy.asked.length).toBe(1);
    expect(ask(busy, STRANGER, 5).length).toBe(0);
    expect(ask(busy, '10.4.0.1', 5).length).toBe(5);
  });

  it('with every place taken by questions that nobody answers, stored answers are given', () => {
    const valve = new Valve(snapshot);
    const octets = buildQuery({ name: 'warm.test', edns: { size: 1232 } });
    valve.send({ from: '10.4.0.1', octets });
    valve.answer(
      valve.asked[0]!,
      answerTo('warm.test', 'A', { answer: ['warm.test. 60 A 192.0.2.1'] }),
    );
    for (const i of [0, 1, 2, 3]) ask(valve, `10.${i}.0.1`, SHARE);
    const { client } = valve.send({ from: '10.4.0.1', octets });
    expect(readMessage(valve.response(client) as Buffer).answers.length).toBe(1);
  });
});
