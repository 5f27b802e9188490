/**
 * A local zone's alias that leads outside: what its target's answer leads to is held against the same
 * lists as any other answer, whether it was waited for or stored.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOnce, TRANSPORTS } from '../support/client.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { type Asked, answerTo, FakeServer } from '../upstream/fake-server.ts';
import { FROM, NOERROR, NXDOMAIN, plain, policy, record } from './rig.ts';

const [A, CNAME] = [1, 5];
const QNAME = Buffer.from([0xc0, 12]);
const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
to-nobody CNAME nobody.with-a-longer-name.allowed.test.
s CNAME nobody.with-a-longer-name.allowed.test.
denied CNAME leads.allowed.test.
inside CNAME inside.allowed.test.
fine CNAME fine.allowed.test.
`;

/** What the names below allowed.test are aliases of. */
const TARGETS: Readonly<Record<string, string>> = {
  nobody: 'edge.nobody.test',
  leads: 'x.denied.test',
  fine: 'www.allowed.test',
};

function answer(asked: Asked): void {
  const [label = ''] = asked.name.toLowerCase().split('.');
  const target = TARGETS[label];
  const address = Buffer.from(label === 'inside' ? [10, 0, 0, 1] : [8, 8, 8, 8]);
  const answers =
    target === undefined
      ? [record(QNAME, A, address)]
      : [record(QNAME, CNAME, plain(target)), record(plain(target), A, address)];
  asked.reply(answerTo(asked, { answers }));
}

/** Name, then the rcode for a workload without and with `chain: inspect`. */
const ROWS: readonly (readonly [string, number, number])[] = [
  ['to-nobody.own.test', NOERROR, NXDOMAIN],
  ['s.own.test', NOERROR, NXDOMAIN],
  ['denied.own.test', NXDOMAIN, NXDOMAIN],
  ['inside.own.test', NXDOMAIN, NXDOMAIN],
  ['fine.own.test', NOERROR, NOERROR],
];

describe.each(BACKENDS)('aliases of a local zone through %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;

  beforeAll(async () => {
    upstream = await FakeServer.start(answer);
    valve = await Valve.start({
      backend,
      files: { 'own.zone': ZONE },
      config: `${policy(upstream, 'enforce')}zones: [{ name: own.test, file: own.zone }]\n`,
    });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  it.each(ROWS)('%s', async (name, trusting, inspecting) => {
    // The inspecting one first and last: from the upstream, and from a store that another filled.
    for (const workload of ['chained', 'strict', 'chained', 'strict'] as const) {
      for (const transport of TRANSPORTS) {
        const got = await askOnce(transport, valve, FROM[workload], { name, edns: {} });
        const wanted = workload === 'strict' ? trusting : inspecting;
        expect([got.rcode, got.answers.length > 0], workload).toEqual([wanted, wanted === NOERROR]);
      }
    }
  });
});
