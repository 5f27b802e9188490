/**
 * (i) What the valve keeps in memory: the growth of its resident memory from the same process
 * without it, and what `status` says of the same.
 */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { table } from './median.ts';
import { newNames, writeLines } from './names.ts';
import type { Server } from './server.ts';
import { type Shape, type Status, statusOf, valveArgs } from './valve.ts';

const FEEDS = [1_000_000, 5_000_000];
const WORKLOADS = 1_000;
const PREFIXES_EACH = 100;
const ANSWERS = 1_000_000;
/** Room for all of them; V8 and the kernel only take what is used. */
const STORE = '1GB';
const FILL_SECONDS = 60;

interface Seen {
  readonly megabytes: number;
  readonly seconds: number;
  readonly status: Status;
}

/** @param historyFile a history with many rows, when (j) left one */
export async function measureMemory(bench: Bench, historyFile: string): Promise<void> {
  const rows: (string | number)[][] = [];
  const add = (what: string, count: number, base: Seen, with_: Seen, said: string): void => {
    const octets = ((with_.megabytes - base.megabytes) * 2 ** 20) / count;
    bench.facts.set(`i.${what}`, octets);
    rows.push([
      what,
      Math.round(base.megabytes),
      Math.round(with_.megabytes),
      octets.toFixed(1),
      said,
      with_.seconds.toFixed(2),
    ]);
  };
  const none = await look(bench, 'none', { feedFile: '' });
  for (const size of FEEDS) {
    const seen = await look(bench, `feed-${size}`, { feedFile: await bench.feedFile(size) });
    const { reputation_bytes: octets = 0 } = seen.status.memory;
    const entries = seen.status.feeds.reduce((sum, feed) => sum + (feed.entries ?? 0), 0);
    if (entries !== size) bench.problem(`(i) ${entries} feed entries and not ${size}`);
    const said = `reputation_bytes ${(octets / size).toFixed(1)} each`;
    add(`feed of ${size.toLocaleString('en')} domains`, size, none, seen, said);
  }
  await addPrefixes(bench, add);
  await addAnswers(bench, add);
  await addHistory(bench, historyFile, none, add);
  bench.say('### (i) memory of dnsvalve\n');
  const head = ['what', 'RSS MB without', 'with', 'octets each', '`status`', 'start s'];
  bench.say(table(head, rows));
}

type Add = (what: string, count: number, base: Seen, with_: Seen, said: string) => void;

async function addPrefixes(bench: Bench, add: Add): Promise<void> {
  const few = await look(bench, 'prefixes-few', { feedFile: '', workloads: workloads(1) });
  const all = { feedFile: '', workloads: workloads(PREFIXES_EACH) };
  const many = await look(bench, 'prefixes', all);
  const { prefixes } = many.status.policy;
  const count = WORKLOADS * (PREFIXES_EACH - 1);
  if (prefixes < count)
    bench.problem(`(i) ${prefixes} prefixes and not ${WORKLOADS * PREFIXES_EACH}`);
  const grown =
    (many.status.memory['shared_tables_bytes'] ?? 0) -
    (few.status.memory['shared_tables_bytes'] ?? 0);
  const said = `shared_tables_bytes ${(grown / count).toFixed(1)} each`;
  add(`${prefixes.toLocaleString('en')} prefixes of 1,000 workloads`, count, few, many, said);
}

async function addAnswers(bench: Bench, add: Add): Promise<void> {
  const { server, directory } = await startValve(bench, 'answers', {
    feedFile: '',
    cacheSize: STORE,
  });
  const base = await seen(server, directory);
  const queries = join(bench.directory, 'queries');
  await writeLines(queries, newNames(0, ANSWERS), (name) => `${name} A`);
  const load = { queries, seconds: FILL_SECONDS, once: true };
  await bench.run(server, load);
  const full = await seen(server, directory);
  await bench.stop(server);
  const { store_entries: entries = 0, store_octets: octets = 0 } = full.status.counters;
  if (entries < ANSWERS * 0.99) bench.problem(`(i) ${entries} answers stored and not ${ANSWERS}`);
  const said = `store_octets ${(octets / entries).toFixed(1)} each`;
  add(`${entries.toLocaleString('en')} stored answers`, entries, base, full, said);
}

async function addHistory(bench: Bench, path: string, base: Seen, add: Add): Promise<void> {
  if (!existsSync(path)) {
    bench.say('(i) without a history of many rows: (j) makes it, and was not chosen.\n');
    return;
  }
  const { pairs } = bench.options;
  const size = Math.round(statSync(path).size / 1e6).toLocaleString('en');
  const full = await look(bench, 'history', { feedFile: '', historyPath: path });
  add(`history of ${pairs.toLocaleString('en')} rows`, pairs, base, full, `a file of ${size} MB`);
}

async function look(bench: Bench, name: string, shape: Shape): Promise<Seen> {
  bench.note(`i: ${name}`);
  const { server, directory } = await startValve(bench, name, shape);
  const found = await seen(server, directory);
  await bench.stop(server);
  return found;
}

async function startValve(
  bench: Bench,
  name: string,
  shape: Shape,
): Promise<{ server: Server; directory: string }> {
  const setup = await bench.setup(`i-${name}`, name, 'warm');
  const args = await valveArgs(setup, shape);
  const log = join(setup.directory, 'log');
  const { port, directory } = setup;
  const server = await bench.start({ program: process.execPath, args, port, log });
  return { server, directory };
}

async function seen(server: Server, directory: string): Promise<Seen> {
  const megabytes = await server.settledMegabytes();
  return { megabytes, seconds: server.loadSeconds, status: await statusOf(directory) };
}

function* workloads(prefixesEach: number): Generator<string> {
  yield '  asking: { sources: [127.0.0.0/8] }';
  for (let i = 0; i < WORKLOADS; i++) {
    yield `  workload-${i}:`;
    yield `    allow: [service-${i}.example.com]`;
    yield '    sources:';
    for (let j = 0; j < prefixesEach; j++) yield `      - ${prefix(i * PREFIXES_EACH + j)}`;
  }
}

/** Nine of ten are IPv4 /28s of 10/8, the tenth an IPv6 /64. */
function prefix(index: number): string {
  if (index % 10 === 9) {
    return `"fd00:0:${(index >>> 12).toString(16)}:${(index & 0xfff).toString(16)}::/64"`;
  }
  return `10.${index >>> 12}.${(index >>> 4) & 255}.${(index & 15) << 4}/28`;
}
