/**
 * What a question over UDP to the servers of a group makes on the heap, octets a question, as JSON:
 * answered by the first, and answered by a second that was asked because the first took long. Run
 * by dispatch.test.ts with --expose-gc and a young generation that no round fills.
 */

import { SLOT_STRIDE } from '../../src/batch.ts';
import type { UdpPort } from '../../src/native/udp.ts';
import { Dispatcher } from '../../src/upstream/dispatch.ts';
import { Flights } from '../../src/upstream/flights.ts';
import { Inflight } from '../../src/upstream/inflight.ts';
import { SocketPool, SocketTable } from '../../src/upstream/pool.ts';
import { Server } from '../../src/upstream/servers.ts';
import { Tries } from '../../src/upstream/tries.ts';
import { wireName } from '../upstream/rig.ts';

const QUESTIONS = 100_000;
/** Rounds until all is compiled. */
const WARM_UP = 3;
const collect = globalThis.gc;
if (collect === undefined) throw new Error('run with --expose-gc');

const inflight = new Inflight(64);
const tries = new Tries(64, 2);
const flights = new Flights(inflight, tries, new SocketTable());
/** Cells and no variables: a number that is not small would be an object in one. */
const now = new Float64Array([1000]);
const counts = new Int32Array(3);
const ANSWERS = 0;
const BY_SECOND = 1;
const FAILURES = 2;

const dispatcher = new Dispatcher(
  flights,
  {
    onAnswer(flight) {
      counts[ANSWERS]!++;
      inflight.release(flight);
      return true;
    },
    onFailure(flight) {
      counts[FAILURES]!++;
      inflight.release(flight);
    },
  },
  () => now[0]!,
);

const closed = { usable: false, ask: () => false, cancel() {}, giveUp() {}, close() {} };
const port = { send: (_batch: unknown, count: number) => count, close() {} } as unknown as UdpPort;

function openServer(probe: number): Server {
  return new Server(
    { address: { address: '192.0.2.1', port: 53 + probe, family: 4 }, group: 'g', probe },
    {
      pool: (server) => new SocketPool(server, flights.sockets, () => Promise.resolve(port)),
      stream: () => closed,
    },
    now[0]!,
  );
}

const servers = [openServer(0), openServer(1)] as const;
servers[1].position = 1;
for (const { pool } of servers) await pool?.fill(now[0]!);
dispatcher.groups = [{ name: 'g', hedge: true, servers }];
const name = wireName('www.example.com');

/** What left last is answered, whoever was asked. */
function answerLast(flight: number): void {
  const attempt = flight * 2 + flights.newest[flight]!;
  const socket = flights.sockets.at(tries.socket[attempt]!);
  if (socket === null) throw new Error('nothing is on the wire');
  // A socket is given up after 256 queries, and opening another is not for free: not here.
  socket.used = 0;
  const { batch } = dispatcher.sender;
  for (let i = 0; i < SLOT_STRIDE; i++) batch.rx[i] = batch.tx[i]!;
  batch.rx[2]! |= 0x80;
  batch.rxLength[0] = batch.txLength[0]!;
  dispatcher.onBatch(socket.pool.server, socket, 1);
}

function askOne(): number {
  now[0]! += 1;
  const flight = inflight.acquire(name, 1, 0, 0, now[0]!);
  if (flight === -1) throw new Error('no flight is free');
  // Not at a time when probes are due: those are for another measure.
  for (let i = 0; i < servers.length; i++) servers[i]!.probeDueMs = now[0]! + 10_000;
  dispatcher.submit(flight);
  dispatcher.flush();
  return flight;
}

function direct(): void {
  answerLast(askOne());
}

/** 20 questions, the last of which waits for a second server. */
function hedged(): void {
  for (let i = 0; i < 19; i++) direct();
  const flight = askOne();
  now[0]! += 40;
  dispatcher.tick(now[0]!);
  if (servers[1].hedges + servers[0].hedges > counts[BY_SECOND]!) counts[BY_SECOND]!++;
  answerLast(flight);
}

function octetsPer(one: () => void, times: number): number {
  for (let i = 0; i < times * WARM_UP; i++) one();
  collect?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < times; i++) one();
  return (process.memoryUsage().heapUsed - before) / times;
}

const results = {
  direct: octetsPer(direct, QUESTIONS),
  hedged: octetsPer(hedged, QUESTIONS / 20),
  answers: counts[ANSWERS],
  failures: counts[FAILURES],
  bySecond: counts[BY_SECOND],
};
process.stdout.write(`${JSON.stringify(results)}\n`);
