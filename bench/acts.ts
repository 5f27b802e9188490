/**
 * (t) Acts of people under load: a quarantine, its release, an exception that is opened at once and
 * revoked, while 20,000 queries a second come from a thousand workloads. How long until nobody is
 * decided by what was before, and until the command may say so.
 */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ask } from '../src/control/client.ts';
import type { Bench } from './bench.ts';
import { warmUp } from './measure.ts';
import { median, table, whole } from './median.ts';
import { mixedLines, ruleDomain, WORKLOADS, writeLines } from './names.ts';
import { PLANS } from './scenario.ts';
import { LOAD_CORE, SERVER_CORE } from './server.ts';
import { CONTROL, sourceAddress, valveArgs } from './valve.ts';

const RATE = 20_000;
const SECONDS = 30;
const SOCKETS = 64;
const WORKERS = 2;
/** Of each kind; 100 in all. */
const TURNS = 25;
/** People do not act in step with anything that the resolver does now and then. */
const PAUSE_MS = [60, 97, 134, 171] as const;
/** As many that the kernel deals them out to every worker. */
const PROBES = 16;
const PROBE_EVERY_MS = 1;
/** How long answers are still looked at after the command says that it is done. */
const AFTER_MS = 30;
const NXDOMAIN = 3;

interface Act {
  readonly kind: string;
  readonly command: string;
  readonly question: Readonly<Record<string, unknown>>;
  /** Whose queries show it, what it asks for, and whether it is denied from then on. */
  readonly workload: number;
  readonly name: string;
  readonly denies: boolean;
}

interface Seen {
  readonly kind: string;
  /** After this no query was sent that was decided by what was before. */
  readonly effectMs: number;
  readonly commandMs: number;
  /** Queries sent after the command was done, and decided by what was before. */
  readonly late: number;
}

export async function measureActs(bench: Bench): Promise<void> {
  const plan = PLANS.find(({ key }) => key === 'e')!;
  const setup = await bench.setup('t', 'acts', 'mixed');
  const uid = process.getuid?.() ?? 0;
  const args = await valveArgs(setup, {
    workers: WORKERS,
    more: [
      `people: { bench: { uid: ${uid} } }`,
      'exceptions: { break_glass: { people: [bench] } }',
      'response_limit: { rate: 0 }',
    ],
  });
  const command = { program: process.execPath, args, port: setup.port };
  const cores = `${SERVER_CORE},${LOAD_CORE}`;
  const server = await bench.start({ ...command, log: join(setup.directory, 'log') }, cores);
  const queries = join(bench.directory, 'queries');
  await writeLines(queries, mixedLines(0, RATE * SECONDS));
  const load = { queries, rate: RATE, sockets: SOCKETS, sources: WORKLOADS, seconds: SECONDS };
  await warmUp(bench, { ...plan, key: 't' }, server, load);
  const quiet = await actAll(join(setup.directory, CONTROL), setup.port);
  const run = Promise.withResolvers<void>();
  const loaded = bench.run(server, load, run.resolve);
  await run.promise;
  await wait(1000);
  const busy = await actAll(join(setup.directory, CONTROL), setup.port);
  const { seen } = await loaded;
  await bench.stop(server);
  for (const { kind, late } of [...quiet, ...busy]) {
    if (late > 0) bench.problem(`(t) ${kind}: ${late} queries decided by what was before`);
  }
  bench.facts.set('t.effect', Math.max(...busy.map(({ effectMs }) => effectMs)));
  bench.facts.set('t.command', Math.max(...busy.map(({ commandMs }) => commandMs)));
  bench.say(`### (t) ${4 * TURNS} acts at ${whole(RATE)} queries/s (${seen.lost} lost)\n`);
  bench.say(actsTable([...rowsOf('none', quiet), ...rowsOf(whole(RATE), busy)]));
}

async function actAll(control: string, port: number): Promise<Seen[]> {
  const all: Seen[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    for (const act of actsOf(turn)) {
      await wait(PAUSE_MS[all.length % PAUSE_MS.length]);
      all.push(await actOnce(act, control, port));
    }
  }
  return all;
}

/** Of a turn: what is opened is closed again, and the other way round. */
function actsOf(turn: number): Act[] {
  const workload = turn * 7;
  const held = { workload, name: `h0.${ruleDomain(workload, 0)}` };
  const opened = { workload: workload + 1, name: `open${turn}.example.com` };
  const subject = `w${workload}`;
  const asked = {
    workload: `w${workload + 1}`,
    pattern: opened.name,
    for: '1h',
    reason: 'a measurement',
    now: true,
  };
  return [
    {
      kind: 'quarantine',
      command: 'quarantine',
      question: { workload: subject },
      ...held,
      denies: true,
    },
    { kind: 'release', command: 'release', question: { id: subject }, ...held, denies: false },
    {
      kind: 'exception --now',
      command: 'exception-request',
      question: asked,
      ...opened,
      denies: false,
    },
    {
      kind: 'exception revoke',
      command: 'exception-revoke',
      question: {},
      ...opened,
      denies: true,
    },
  ];
}

let lastException = '';

async function actOnce(act: Act, control: string, port: number): Promise<Seen> {
  const probes = await Probes.open(act, port);
  const startedAt = performance.now();
  const question = act.command === 'exception-revoke' ? { id: lastException } : act.question;
  const { id } = (await ask(control, act.command, question)) as { readonly id: string };
  const doneAt = performance.now();
  if (act.command === 'exception-request') lastException = id;
  await wait(AFTER_MS);
  const old = await probes.close();
  return {
    kind: act.kind,
    effectMs: Math.max(0, ...old.map((sentAt) => sentAt - startedAt)),
    commandMs: doneAt - startedAt,
    late: old.filter((sentAt) => sentAt > doneAt).length,
  };
}

/** Asks for one name all the time, from sockets that belong to different workers. */
class Probes {
  readonly #sockets: readonly Socket[];
  readonly #sentAt: number[] = [];
  /** When queries were sent that were decided by what was before. */
  readonly #old: number[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(act: Act, port: number, sockets: readonly Socket[]) {
    this.#sockets = sockets;
    for (const socket of sockets) {
      socket.on('message', (message) => {
        const isDenied = ((message[3] ?? 0) & 15) === NXDOMAIN;
        const sentAt = this.#sentAt[message.readUInt16BE(0)] ?? 0;
        if (isDenied !== act.denies) this.#old.push(sentAt);
      });
    }
    this.#timer = setInterval(() => {
      const id = this.#sentAt.push(performance.now()) - 1;
      sockets[id % sockets.length]?.send(queryFor(act.name, id), port, '127.0.0.1');
    }, PROBE_EVERY_MS);
  }

  static async open(act: Act, port: number): Promise<Probes> {
    const sockets = Array.from({ length: PROBES }, () => createSocket('udp4'));
    for (const socket of sockets) socket.bind(0, sourceAddress(act.workload));
    await Promise.all(sockets.map((socket) => once(socket, 'listening')));
    return new Probes(act, port, sockets);
  }

  async close(): Promise<readonly number[]> {
    clearInterval(this.#timer);
    await wait(AFTER_MS);
    for (const socket of this.#sockets) socket.close();
    return this.#old;
  }
}

function queryFor(name: string, id: number): Buffer {
  const labels = name.split('.').map((label) => String.fromCharCode(label.length) + label);
  const octets = Buffer.from(
    `\0\0\x01\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0\x01\0\x01`,
    'latin1',
  );
  octets.writeUInt16BE(id & 0xffff, 0);
  return octets;
}

function rowsOf(load: string, all: readonly Seen[]): string[][] {
  const shown = (ms: readonly number[]): string =>
    `${median(ms).toFixed(1)} – ${Math.max(...ms).toFixed(1)}`;
  return [...Map.groupBy(all, ({ kind }) => kind)].map(([kind, some]) => [
    kind,
    load,
    shown(some.map(({ effectMs }) => effectMs)),
    shown(some.map(({ commandMs }) => commandMs)),
  ]);
}

function actsTable(rows: readonly string[][]): string {
  const head = ['act', 'queries/s', 'old decisions until ms, median – longest', 'command ms'];
  return table(head, rows);
}
