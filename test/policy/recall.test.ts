/** What is recalled of a decision is what `authorize` says, and holds for what it says only. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PEER_SIZE } from '../../src/batch.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import { NONE } from '../../src/events/slots.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import { Overlay } from '../../src/overrides/overlay.ts';
import { decide } from '../../src/pipeline.ts';
import { FORGOTTEN, recall } from '../../src/policy/recall.ts';
import { Query } from '../../src/query.ts';
import { Tables, type TablesMemory } from '../../src/tables.ts';
import { exception, HandClocks, quarantineDomain, quarantineOf } from '../overrides/support.ts';
import { workerMemory } from '../support/memory.ts';
import { buildQuery } from '../support/message.ts';
import { compileFiles } from '../support/replay-valve.ts';

const FILES = {
  'main.yaml': `
upstreams: { default: { servers: [192.0.2.53] } }
feeds:
  bad: { source: [listed.example, alsolisted.test], category: malware }
  told: { source: [told.example], category: malware, action: alert }
  rpz: { source: rpz.txt, format: rpz, category: malware }
everyone: { allow: ["*.time.example"], deny: [.banned.example] }
workloads:
  api:
    sources: [10.1.0.0/16]
    allow: [.example.com, { name: .typed.example, types: [A] }]
    deny: [{ name: no.example.com, types: [AAAA, TXT] }, listed.example.com]
  web: { sources: [10.2.0.0/16], mode: report, allow: [.example.org] }
unmapped: { mode: enforce }
`,
  'rpz.txt': `$ORIGIN rpz.
@ SOA localhost. root.localhost. 1 3600 600 86400 30
nodata.example CNAME *.
drop.example CNAME rpz-drop.
data.example A 192.0.2.80
pass.example CNAME rpz-passthru.
`,
};

const NAMES = [
  ...[
    'www.example.com',
    'no.example.com',
    'listed.example.com',
    'x.typed.example',
    'www.example.org',
  ],
  ...['listed.example', 'a.listed.example', 'told.example', 'x.banned.example', 'a.time.example'],
  ...['nodata.example', 'drop.example', 'data.example', 'pass.example', 'localhost', 'a.onion'],
  ...['1.0.0.127.in-addr.arpa', 'other.example', 'com'],
];
const TYPES = ['A', 'AAAA', 'TXT', 'MX'];
const SOURCES = ['10.1.0.7', '10.2.0.7', '192.0.2.7'];

class Worker {
  readonly memory = workerMemory({
    ring: new RingWriter(createRing(1024)),
    storeOctets: 1 << 17,
    namesPerPair: 64,
  });
  readonly query = new Query();
  /** Queries whose decision can be recalled from then on. */
  recalled = 0;

  readonly clocks = new HandClocks();

  /** Verdict, decision and response of one query. */
  decide(step: Step, tables: Tables): unknown {
    const { query, memory } = this;
    query.octets = buildQuery({ ...step, edns: {} });
    query.start = 0;
    query.end = query.octets.length;
    query.out = new Uint8Array(4096);
    query.outRoom = 4096;
    query.outLength = 0;
    query.peer = new Uint8Array(PEER_SIZE);
    addressToBytes(step.from, query.peer, 0);
    query.wallMs = this.clocks.wall;
    query.nowMs = this.clocks.nowMs;
    const verdict = decide(query, tables, memory);
    const slot = memory.ledger.find(query);
    if (slot !== NONE && recall(new Query(), slot, memory.ledger.names, tables) !== FORGOTTEN) {
      this.recalled++;
    }
    const response = Buffer.from(query.out.subarray(0, query.outLength)).toString('hex');
    return { verdict, decision: { ...query.decision }, response };
  }
}

interface Step {
  readonly name: string;
  readonly type: string;
  readonly from: string;
}

const step = fc.record({
  name: fc.constantFrom(...NAMES),
  type: fc.constantFrom(...TYPES),
  from: fc.constantFrom(...SOURCES),
});

it('a worker that remembers answers as one that does not, whatever was asked before', async () => {
  const { memory } = await compileFiles(FILES, 1);
  const tables = new Tables(memory);
  const forgetful = new Worker();
  let recalled = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 400 }), (steps) => {
      const worker = new Worker();
      for (const one of steps) {
        forgetful.memory.ledger.handover.clear(0);
        expect(worker.decide(one, tables)).toEqual(forgetful.decide(one, tables));
      }
      recalled += worker.recalled;
    }),
    { numRuns: 20, seed: 11 },
  );
  expect(recalled).toBeGreaterThan(1000);
});

it('nothing is recalled of other tables', async () => {
  const worker = new Worker();
  const ask = { name: 'www.example.com', type: 'A', from: '10.1.0.7' };
  const before = new Tables((await compileFiles(FILES, 1)).memory);
  for (let i = 0; i < 3; i++)
    expect(worker.decide(ask, before)).toMatchObject({ decision: { allowed: 1 } });
  const closed = { 'main.yaml': FILES['main.yaml'].replace('allow: [.example.com, ', 'allow: [') };
  const after = new Tables((await compileFiles({ ...FILES, ...closed }, 2)).memory);
  expect(worker.decide(ask, after)).toMatchObject({ decision: { allowed: 0 } });
});

/** A second set of tables, so that an end that one worker saw is news to the other. */
function overridden(memory: TablesMemory, clocks: HandClocks): Tables {
  const overlay = new Overlay(clocks);
  const lasting = (id: string, open: string, seconds: number, more = {}) =>
    exception({ id, open, ...more }, clocks.wall + seconds * 1000);
  overlay.set({
    exceptions: [
      lasting('ex-1', 'other.example', 100),
      lasting('ex-2', '.example', 200),
      lasting('ex-3', '.typed.example', 300, { types: [28] }),
      lasting('ex-4', '.listed.example', 250, { overridesFeeds: true }),
      lasting('ex-5', 'www.example.com', 150, { workload: 'web' }),
    ],
    quarantines: [
      quarantineOf('web', ['.example.org', '.listed.example']),
      quarantineDomain('.time.example'),
    ],
  });
  const config = { workloads: [{ name: 'api' }, { name: 'web' }] };
  return new Tables(overlay.over({ config, memory }, 2).memory);
}

it('a worker that remembers answers as one that does not, while exceptions end', async () => {
  const { memory } = await compileFiles(FILES, 1);
  const timed = fc.record({ step, seconds: fc.constantFrom(0, 0, 0, 1, 3) });
  let recalled = 0;
  fc.assert(
    fc.property(fc.array(timed, { minLength: 200, maxLength: 400 }), (steps) => {
      const [worker, forgetful] = [new Worker(), new Worker()];
      const own = overridden(memory, worker.clocks);
      const others = overridden(memory, forgetful.clocks);
      for (const { step: one, seconds } of steps) {
        for (const { clocks } of [worker, forgetful]) clocks.pass(seconds * 1000);
        forgetful.memory.ledger.handover.clear(0);
        expect(worker.decide(one, own)).toEqual(forgetful.decide(one, others));
      }
      recalled += worker.recalled;
    }),
    { numRuns: 12, seed: 12 },
  );
  expect(recalled).toBeGreaterThan(500);
});
