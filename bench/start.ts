/**
 * (h) From the start of a process to its first denial by a feed of 1,000,000 domains, and what each
 * of these domains costs in resident memory. The valve twice: in a directory that knows nothing, and
 * in the one it had before.
 */

import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { median, table } from './median.ts';
import { domains, feedDomain, writeLines } from './names.ts';
import { type Contestant, FEED_SIZE, type Setup } from './scenario.ts';
import type { Probe } from './server.ts';
import { valve } from './valve.ts';

const NXDOMAIN = 3;
/** The last of the feed: who answers before it has read all does not deny it. */
const PROBE: Probe = { name: feedDomain(FEED_SIZE - 1), rcode: NXDOMAIN, transport: 'udp' };
/** The feed of nothing: one domain, because some refuse an empty list. */
const NOTHING = 1;

interface Starts {
  readonly seconds: number[];
  readonly again: number[];
  readonly megabytes: number[];
  readonly emptyMegabytes: number[];
}

export async function measureStart(bench: Bench): Promise<void> {
  const found = new Map<string, Starts>();
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const contestant of bench.contestants) {
      const { name } = contestant;
      bench.note(`h: round ${round} of ${name}`);
      const starts = found.get(name) ?? {
        seconds: [],
        again: [],
        megabytes: [],
        emptyMegabytes: [],
      };
      found.set(name, starts);
      await startOnce(bench, contestant, `h-${round}-${name}`, starts);
    }
  }
  bench.say(`### (h) start with a feed of ${FEED_SIZE.toLocaleString('en')} domains\n`);
  bench.say(startTable(bench, found));
}

async function startOnce(
  bench: Bench,
  contestant: Contestant,
  room: string,
  starts: Starts,
): Promise<void> {
  const setup = await bench.setup(room, contestant.name, 'start');
  const server = await bench.startContestant({ ...contestant, probe: PROBE }, setup);
  starts.seconds.push(server.loadSeconds);
  starts.megabytes.push(await server.settledMegabytes());
  await bench.stop(server);
  if (contestant.name === valve.name) {
    const again = await bench.startContestant({ ...contestant, probe: PROBE }, setup);
    starts.again.push(again.loadSeconds);
    await bench.stop(again);
  }
  starts.emptyMegabytes.push(await emptyMegabytes(bench, contestant, `${room}-empty`));
}

/** The same server with a feed that holds next to nothing. */
async function emptyMegabytes(bench: Bench, contestant: Contestant, room: string): Promise<number> {
  const usual = await bench.setup(room, contestant.name, 'start');
  const feedFile = join(usual.directory, 'feed');
  const setup: Setup = { ...usual, feed: { count: NOTHING, of: feedDomain }, feedFile };
  await writeLines(feedFile, domains(feedDomain, NOTHING));
  const server = await bench.startContestant(contestant, setup);
  const megabytes = await server.settledMegabytes();
  await bench.stop(server);
  return megabytes;
}

function startTable(bench: Bench, found: ReadonlyMap<string, Starts>): string {
  const rows = [...found].map(([name, starts]) => {
    const octets = median(
      starts.megabytes.map(
        (megabytes, i) => ((megabytes - (starts.emptyMegabytes[i] ?? 0)) * 2 ** 20) / FEED_SIZE,
      ),
    );
    bench.facts.set(`h.${name}`, median(starts.seconds));
    bench.facts.set(`h.again.${name}`, median(starts.again));
    bench.facts.set(`h.octets.${name}`, octets);
    return [
      name,
      median(starts.seconds).toFixed(2),
      `${Math.min(...starts.seconds).toFixed(2)} – ${Math.max(...starts.seconds).toFixed(2)}`,
      starts.again.length === 0 ? '' : median(starts.again).toFixed(2),
      Math.round(median(starts.megabytes)),
      Math.round(median(starts.emptyMegabytes)),
      octets.toFixed(1),
    ];
  });
  return table(
    [
      'server',
      'start s',
      'lowest – highest',
      'second start s',
      'RSS MB',
      'RSS MB with one domain',
      'octets per domain',
    ],
    rows,
  );
}
