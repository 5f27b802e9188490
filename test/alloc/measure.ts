/**
 * Heap octets per query of the fast lane's three ways, printed as JSON. Run by alloc.test.ts in a
 * process of its own with --expose-gc and a young generation that no round fills, so that nothing is
 * collected between the two looks at the heap. `control` makes one small object per query.
 */

import { PEER_SIZE } from '../../src/batch.ts';
import { Clock, sharedMsNow } from '../../src/clock.ts';
import {
  DOUBLE_GRANTED,
  DOUBLE_OUT,
  ROW_WORDS,
  WINDOW_USED,
} from '../../src/detect/account-row.ts';
import { ByteRingReader, createByteRing } from '../../src/events/byte-ring.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import { BY_PROXY, DIRECT, unwrap } from '../../src/identity/forwarded.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import {
  EV_DATA,
  EV_ENDED,
  EV_OPENED,
  EVENT_LENGTH,
  EVENT_START,
  FLAGS,
  type TcpBatch,
} from '../../src/native/tcp-batch.ts';
import { Overlay } from '../../src/overrides/overlay.ts';
import { decideSafely } from '../../src/pipeline.ts';
import { DROP, FORWARD, Query, RESPOND } from '../../src/query.ts';
import { Forwarder, type Outlet } from '../../src/server/forwarder.ts';
import { TCP_LIMITS } from '../../src/server/tcp-limits.ts';
import { TcpServer } from '../../src/server/tcp-server.ts';
import { Tables } from '../../src/tables.ts';
import type { Upstreams } from '../../src/upstream/upstreams.ts';
import { exception, HOUR_MS, quarantineDomain, quarantineOf } from '../overrides/support.ts';
import { framed } from '../support/client.ts';
import { workerMemory } from '../support/memory.ts';
import { buildQuery } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles } from '../support/replay-valve.ts';

const QUERIES = 200_000;
const WARM_UP = 100_000;

const CONFIG = `
rate_limit: { queries: 0 }
upstreams: { default: { servers: [192.0.2.53] } }
feeds: { bad: { source: [listed.example, other.listed.test], category: malware } }
bundles: { shared: [bundled.example] }
everyone: { allow: ["*.time.example"], deny: [.banned.example] }
zones: []
workloads:
  api: { owner: team, sources: [10.1.0.0/16], use: [shared], allow: [.example.com] }
  web: { owner: team, sources: [10.2.0.0/16], allow: [.example.com], chain: inspect }
  app: { sources: [10.3.0.0/16], allow: [{ name: .example.com, budget: 1GB/d }] }
  low: { sources: [10.4.0.0/16], allow: [{ name: .example.com, budget: 64B/d }] }
  free: { owner: team, sources: [10.5.0.0/16], mode: open }
  slow: { sources: [10.6.0.0/16], rate_limit: { queries: 1, burst: 1m } }
  fast: { sources: [10.8.0.0/16], rate_limit: { queries: 10000000, burst: 1m } }
  busy: { sources: [10.9.0.0/16], rate_limit: { queries: 20000 } }
`;

const TAPS = `
query_log: { path: q }
dnstap: { to: "unix:/none" }
`;

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run with --expose-gc');
const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
const ring = createRing(1024);
const tapRing = createByteRing(1 << 16);
const memory = workerMemory({
  ring: new RingWriter(ring),
  storeOctets: 1 << 20,
  namesPerPair: 64,
  tapRing,
});

const out = new Uint8Array(1 << 16);
/** One for all, moved by hand. */
class StillClock extends Clock {
  override update(): void {}
}

const clock = new StillClock();
const outlet: Outlet = {
  prepare(query) {
    query.out = out;
    query.outStart = 0;
    query.outRoom = 4096;
    return true;
  },
  commit() {},
  flush() {},
};

let asked = -1;
const upstreams = {
  submit(flight: number): void {
    asked = flight;
  },
  flush(): void {},
};

function fault(error: unknown): void {
  throw error;
}

const forwarder = new Forwarder(new Tables(snapshot.memory), memory, {
  clock,
  outlet,
  onFault: fault,
});
forwarder.upstreams = upstreams as unknown as Upstreams;

const query = new Query();
query.out = out;
query.peer = new Uint8Array(PEER_SIZE);

function aim(message: Uint8Array, from: string): void {
  query.octets = message;
  addressToBytes(from, query.peer, 0);
}

/** One query as a listener decides it. */
function decideOne(wanted: number, overTcp = 0): void {
  query.start = 0;
  query.end = query.octets.length;
  outlet.prepare(query, 0);
  query.overTcp = overTcp;
  query.nowSeconds = clock.nowSeconds;
  query.nowMs = clock.nowMs;
  query.wallMs = clock.wallMs;
  const verdict = forwarder.decide(query);
  if (verdict === RESPOND) forwarder.refresh(query);
  memory.meter.endBatch(100);
  if (verdict !== wanted) throw new Error(`verdict ${verdict}, wanted ${wanted}`);
  if (verdict === FORWARD) forwarder.ask(query, 0);
}

function respondOne(): void {
  decideOne(RESPOND);
}

/** Beyond the limit: all refused over TCP; over UDP a few, and then nothing. */
function refuseOne(): void {
  decideOne(RESPOND, 1);
}

/** Of the bucket: a minute of one a second; the tokens went over TCP. */
let refusals = 60;
function shedOne(): void {
  decideOne(refusals > 0 ? RESPOND : DROP);
  if (refusals > 0) refusals--;
}

/** From what was saved: every query is one of a burst, and the shield looks at all of them. */
const [BUSY, RATE_WORDS, SAVED] = [8, 16, 1000] as const;
let bursts = 0;
function burstOne(): void {
  const { shield } = memory;
  snapshot.memory.rates.words[BUSY * RATE_WORDS] = SAVED;
  decideOne(RESPOND);
  if (shield.isUrgent) shield.lookAtNew(clock.nowMs);
  if (++bursts % 100 === 0) shield.look(clock.nowMs + bursts);
}

let answer: Uint8Array = new Uint8Array(0);

/** Forwarded, answered by upstream, given to the client; with a TTL of 0 nothing stays stored. */
function forwardOne(): void {
  decideOne(FORWARD);
  if (!forwarder.onAnswer(asked, answer, 0, answer.length)) throw new Error('answer not taken');
}

function failOne(): void {
  decideOne(FORWARD);
  forwarder.onFailure(asked, 22);
  memory.store.clear();
}

let nth = 0;

/** Another name each time, charged to a budget. */
function budgetOne(): void {
  const { octets } = query;
  for (let at = 13, number = nth++; at < 20; at++, number >>>= 3) octets[at] = 97 + (number & 7);
  forwardOne();
}

/** Each denied, once the budget is used up. */
function usedUpOne(): void {
  const { octets } = query;
  for (let at = 13, number = nth++; at < 20; at++, number >>>= 3) octets[at] = 97 + (number & 7);
  respondOne();
}

/** The store is written and evicts. */
function storeOne(): void {
  forwardOne();
  clock.nowSeconds += 2;
}

let kept: { readonly id: number } | null = null;

function controlOne(): void {
  decideOne(RESPOND);
  kept = { id: query.id };
}

function octetsPerQuery(one: () => void): number {
  for (let i = 0; i < WARM_UP; i++) one();
  memory.ledger.flush();
  collect?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < QUERIES; i++) one();
  return (process.memoryUsage().heapUsed - before) / QUERIES;
}

const edns = { size: 1232 };
const results: Record<string, number> = {};

aim(buildQuery({ name: 'www.example.com', edns }), '10.1.0.7');
answer = answerTo('www.example.com', 'A', {
  answer: ['www.example.com. 3600 CNAME e.example.com.', 'e.example.com. 3600 A 192.0.2.1'],
});
forwardOne();
results['hit'] = octetsPerQuery(respondOne);
/** A cookie that is made, and the same that is known again. */
const crumb = { size: 1232, options: [{ code: 10, data: Buffer.alloc(8, 7) }] };
aim(buildQuery({ name: 'www.example.com', edns: crumb }), '10.1.0.7');
results['hit with a client cookie'] = octetsPerQuery(respondOne);
const full = { size: 1232, options: [{ code: 10, data: Buffer.from(query.cookie) }] };
aim(buildQuery({ name: 'www.example.com', edns: full }), '10.1.0.7');
results['hit with a server cookie'] = octetsPerQuery(respondOne);
if (query.octets.at(-1) !== query.cookie[23]) throw new Error('the cookie was not known again');
aim(buildQuery({ name: 'WWW.example.com', edns }), '10.2.0.7');
results['hit of a workload with chain: inspect'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'www.other.example', edns }), '10.1.0.7');
results['deny'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'listed.example', edns }), '10.1.0.7');
results['deny by a feed'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: '_why.www.other.example', type: 'TXT', edns }), '10.1.0.7');
results['why a name is denied'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: '_why.www.example.com', type: 'TXT', edns }), '10.1.0.7');
results['why a name is allowed'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'www.example.com' }), '192.0.2.200');
results['deny of an unmapped source'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'a.localhost', edns }), '10.1.0.7');
results['local'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'a.localhost', edns }), '10.8.0.7');
results['below a rate limit'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'a.localhost', edns }), '10.9.0.7');
results['in a burst'] = octetsPerQuery(burstOne);
aim(buildQuery({ name: 'a.localhost', edns }), '10.6.0.7');
results['refused by a rate limit'] = octetsPerQuery(refuseOne);
results['dropped by a rate limit'] = octetsPerQuery(shedOne);
aim(new Uint8Array(buildQuery({ name: 'www.example.com' })).fill(0xff, 12, 13), '10.1.0.7');
results['malformed'] = octetsPerQuery(respondOne);

/** Passed on by a forwarder; `query.peer` is its record, until the header is read. */
const forwarderPeer = query.peer;
function proxiedOne(): void {
  query.peer = forwarderPeer;
  query.peerAt = 0;
  query.relay = BY_PROXY;
  query.start = 0;
  query.end = query.octets.length;
  unwrap(query);
  outlet.prepare(query, 0);
  const verdict = decideSafely(query, forwarder.tables, memory, fault);
  if (verdict !== RESPOND || query.workload !== 1) throw new Error('not taken for its source');
}
const header = '0d0a0d0a000d0a515549540a2112000c0a0100070a0200010fa00035';
const proxied = Buffer.concat([
  Buffer.from(header, 'hex'),
  buildQuery({ name: 'www.example.com', edns }),
]);
aim(new Uint8Array(proxied), '10.9.0.1');
results['behind a PROXY header'] = octetsPerQuery(proxiedOne);
query.peer = forwarderPeer;
query.relay = DIRECT;

aim(buildQuery({ name: 'new.example.com', edns }), '10.1.0.7');
answer = answerTo('new.example.com', 'A', {
  answer: ['new.example.com. 0 CNAME e.example.com.', 'e.example.com. 0 A 192.0.2.1'],
  authority: ['example.com. 60 NS ns.example.com.'],
  additional: ['ns.example.com. 60 A 192.0.2.2'],
});
results['forward'] = octetsPerQuery(forwardOne);
results['failure'] = octetsPerQuery(failOne);
/** Another name each time, of 16 characters that nobody would choose. */
let number = 1;
const fresh = buildQuery({ name: 'abcdefghijklmnop.example.com', type: 'TXT', edns });
const reply = answerTo('abcdefghijklmnop.example.com', 'TXT', {
  answer: ['abcdefghijklmnop.example.com. 0 TXT abcdefgh'],
});
function freshOne(): void {
  number = (Math.imul(number, 1_664_525) + 1_013_904_223) | 0;
  for (let i = 0; i < 8; i++) {
    const letter = 97 + ((number >>> (i * 4)) & 15);
    fresh[13 + i] = letter;
    reply[13 + i] = letter;
    reply[reply.length - 8 + i] = letter;
  }
  clock.wallMs += 1000;
  forwardOne();
}
aim(fresh, '10.1.0.7');
answer = reply;
results['forward, every name and its data new'] = octetsPerQuery(freshOne);

const missing = buildQuery({ name: 'abcdefghijklmnop.com', edns });
const denial = answerTo('abcdefghijklmnop.com', 'A', { rcode: 'NXDOMAIN' });
function missingOne(): void {
  number = (Math.imul(number, 1_664_525) + 1_013_904_223) | 0;
  for (let i = 0; i < 8; i++) {
    const letter = 97 + ((number >>> (i * 4)) & 15);
    missing[13 + i] = letter;
    denial[13 + i] = letter;
  }
  clock.wallMs += 1000;
  forwardOne();
}
aim(missing, '10.5.0.7');
answer = denial;
results['forward, every name new and none exists'] = octetsPerQuery(missingOne);

aim(buildQuery({ name: 'new.example.com', edns }), '10.1.0.7');
answer = answerTo('new.example.com', 'A', { answer: ['new.example.com. 1 A 192.0.2.1'] });
results['forward and store'] = octetsPerQuery(storeOne);

const { rows } = snapshot.memory.budgets;
const granted = memory.detectors.accounts.rows.doubles;
for (const account of rows.keys()) {
  rows[account] = account;
  granted[(account * ROW_WORDS) / 2 + DOUBLE_GRANTED] = Number.MAX_SAFE_INTEGER;
}
aim(buildQuery({ name: 'abcdefg.example.com', edns }), '10.3.0.7');
answer = answerTo('abcdefg.example.com', 'A', { answer: ['abcdefg.example.com. 0 A 192.0.2.1'] });
results['charged to a budget'] = octetsPerQuery(budgetOne);
aim(buildQuery({ name: 'abcdefg.example.com', edns }), '10.4.0.7');
granted[ROW_WORDS / 2 + DOUBLE_OUT + WINDOW_USED] = Number.MAX_SAFE_INTEGER;
results['deny by a budget'] = octetsPerQuery(usedUpOne);

aim(buildQuery({ name: 'www.example.com', edns }), '10.1.0.7');
answer = answerTo('www.example.com', 'A', { answer: ['www.example.com. 3600 A 192.0.2.1'] });
forwardOne();

/** Of four hits the last is due: its question goes upstream, and the answer begins anew. */
function dueOne(): void {
  for (let i = 0; i < 3; i++) respondOne();
  clock.nowSeconds += 9;
  asked = -1;
  respondOne();
  if (!forwarder.onAnswer(asked, answer, 0, answer.length)) throw new Error('answer not taken');
}
aim(buildQuery({ name: 'www.example.com', edns }), '10.1.0.7');
answer = answerTo('www.example.com', 'A', { answer: ['www.example.com. 10 A 192.0.2.1'] });
memory.store.clear();
forwardOne();
results['hit that is due'] = octetsPerQuery(dueOne);
memory.store.clear();
answer = answerTo('www.example.com', 'A', { answer: ['www.example.com. 3600 A 192.0.2.1'] });
forwardOne();

/** Clients' TCP, with a backend that takes all it is given. */
let tcpBatch: TcpBatch | null = null;
let tcpRound: (count: number) => void = () => {};
const tcp = new TcpServer(memory, clock, TCP_LIMITS, ({ batch, onBatch }) => {
  tcpBatch = batch;
  tcpRound = onBatch;
  return {
    listen: async () => 0,
    send: () => 0,
    watch() {},
    finish: () => true,
    drop() {},
    resume() {},
    stopListening() {},
    close() {},
  };
});
tcp.forwarder = forwarder;
outlet.flush = () => tcp.flush();
const { rx, events, peers } = tcpBatch as unknown as TcpBatch;
const frame = framed(buildQuery({ name: 'www.example.com', edns }));
rx.set(frame);
addressToBytes('10.1.0.7', peers, 0);

function tcpEvent(flags: number, start: number, length: number): void {
  events[FLAGS] = flags;
  events[EVENT_START] = start;
  events[EVENT_LENGTH] = length;
  tcpRound(1);
}

function connectionOne(): void {
  tcpEvent(EV_OPENED | EV_DATA, 0, frame.length);
  tcpEvent(EV_ENDED, 0, 0);
}

/** The octets of a query in two rounds. */
function splitOne(): void {
  tcpEvent(EV_DATA, 0, 20);
  tcpEvent(EV_DATA, 20, frame.length - 20);
}

results['a TCP connection with one query'] = octetsPerQuery(connectionOne);
tcpEvent(EV_OPENED, 0, 0);
results['a query over TCP in two pieces'] = octetsPerQuery(splitOne);
if (tcp.connectionCount !== 1) throw new Error('the connection did not stay');

/** All of it is told to the query log and to dnstap, and read at once. */
const tapped = await compileFiles({ 'main.yaml': `${CONFIG}${TAPS}` }, 1);
const tapReader = new ByteRingReader(tapRing);
let records = 0;
function readTaps(): void {
  for (let at = tapReader.peek(); at !== -1; at = tapReader.peek()) {
    tapReader.release(at);
    records++;
  }
}
function tappedHit(): void {
  respondOne();
  readTaps();
}
function tappedForward(): void {
  forwardOne();
  readTaps();
}
const untapped = forwarder.tables;
forwarder.tables = new Tables(tapped.memory);
aim(buildQuery({ name: 'www.example.com', edns }), '10.1.0.7');
results['hit, logged'] = octetsPerQuery(tappedHit);
aim(buildQuery({ name: 'new.example.com', edns }), '10.1.0.7');
answer = answerTo('new.example.com', 'A', { answer: ['new.example.com. 0 A 192.0.2.1'] });
results['forward, logged'] = octetsPerQuery(tappedForward);
if (records !== 4 * (QUERIES + WARM_UP)) throw new Error(`${records} records were read`);
forwarder.tables = untapped;

/** With overrides in force: each kind, and what they do not name. */
const overlay = new Overlay({ wallMs: Date.now, sharedMs: sharedMsNow });
overlay.set({
  exceptions: [exception({ open: '*.open.test' }, Date.now() + HOUR_MS)],
  quarantines: [quarantineOf('web', ['edr.test']), quarantineDomain('.closed.test')],
});
forwarder.tables = new Tables(overlay.over(snapshot, 2).memory);
aim(buildQuery({ name: 'www.example.com', edns }), '10.1.0.7');
results['hit, with overrides in force'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'a.open.test', edns }), '10.1.0.7');
answer = answerTo('a.open.test', 'A', { answer: ['a.open.test. 86400 A 192.0.2.1'] });
forwardOne();
results['hit by an exception'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'b.open.test', edns }), '10.1.0.7');
answer = answerTo('b.open.test', 'A', { answer: ['b.open.test. 0 A 192.0.2.1'] });
results['forward by an exception'] = octetsPerQuery(forwardOne);
aim(buildQuery({ name: 'www.example.com', edns }), '10.2.0.7');
results['deny by a quarantine'] = octetsPerQuery(respondOne);
aim(buildQuery({ name: 'a.closed.test', edns }), '10.1.0.7');
results['deny by the quarantine of a domain'] = octetsPerQuery(respondOne);
const [use] = overlay.use();
if ((use?.queries ?? 0) < 2 * QUERIES) throw new Error('uses were not counted');
forwarder.tables = untapped;

aim(buildQuery({ name: 'www.other.example', edns }), '10.1.0.7');
results['control'] = octetsPerQuery(controlOne);
if (kept === null) throw new Error('the control kept nothing');
process.stdout.write(JSON.stringify(results));
