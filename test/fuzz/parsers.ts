/**
 * Every reader of files and streams that others write, with texts to mutate: whatever comes, it is
 * taken, or refused by an error of ours. As a program, longer and with the slowest input of each:
 *
 * ```
 * node test/fuzz/parsers.ts [--rounds N] [--seed N]
 * ```
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { recordsIn } from '../../src/alerts/record.ts';
import { parseHead } from '../../src/audit/head.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseResolvConf } from '../../src/config/resolvconf.ts';
import { CaptureReader } from '../../src/detect/eval/capture-reader.ts';
import { Conversation } from '../../src/detect/eval/conversation.ts';
import { TableReader } from '../../src/detect/eval/table-reader.ts';
import { DnsvalveError } from '../../src/errors.ts';
import { verify } from '../../src/evidence/verify.ts';
import { IMPORTERS } from '../../src/import/formats.ts';
import { writeYaml } from '../../src/import/write.ts';
import { ControlReader } from '../../src/querylog/frames.ts';
import { Mmdb } from '../../src/reputation/mmdb.ts';
import { parseFeed } from '../../src/reputation/parse.ts';
import { FrameReader } from '../../src/upstream/frames.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { parseZone } from '../../src/zones/master.ts';
import { Random } from './mutate.ts';
import { SEED_TEXTS, sealedLog, WORDS } from './texts.ts';

export interface Target {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** A file is written and read for each input: fewer rounds. */
  readonly isSlow?: boolean;
  /** Whether errors of other classes than ours are the contract. */
  readonly throwsPlainly?: boolean;
  /** @returns whether it was taken; refusing by an error is the same as false */
  run(octets: Buffer, path: string): boolean;
}

const text = (octets: Buffer): string => octets.toString('utf8');
const [ORIGIN] = [nameToWire('types.example')];
const zone = readFileSync(join(import.meta.dirname, '../zones/every-type.zone'));

const feeds: readonly Target[] = (['auto', 'hosts', 'plain', 'adblock', 'rpz'] as const).map(
  (format) => ({
    name: `feed ${format}`,
    seeds: SEED_TEXTS.feeds,
    run(octets) {
      const parsed = parseFeed(octets, format);
      // What was taken is no more than there were lines.
      const lines = octets.toString('latin1').split(/[\n\r]/).length;
      if (parsed.text.entries.count > 4 * lines) throw new Error('more entries than lines');
      return parsed.text.entries.count > 0;
    },
  }),
);

const REQUEST = { baseName: 'list', workload: null, as: 'deny', widen: false } as const;
const imports: readonly Target[] = Object.entries(IMPORTERS).map(([format, importer]) => ({
  name: `import ${format}`,
  seeds: SEED_TEXTS.imports,
  run: (octets) => writeYaml(importer({ text: text(octets), ...REQUEST }), 'a test') !== '',
}));

const BASE = `upstreams: { default: { servers: [192.0.2.53] } }
workloads: { anybody: { sources: [10.0.0.0/8], mode: open } }
`;

/** What an importer wrote is a configuration, whatever it was made of. */
function importedLoads(octets: Buffer, path: string): boolean {
  for (const importer of Object.values(IMPORTERS)) {
    let yaml = '';
    try {
      yaml = writeYaml(importer({ text: text(octets), ...REQUEST }), 'a test');
    } catch {
      continue;
    }
    writeFileSync(
      path,
      yaml.includes('\nworkloads:') ? `${BASE.split('\n')[0]}\n${yaml}` : BASE + yaml,
    );
    try {
      loadConfig(path);
    } catch (thrown) {
      throw new Error(`what was imported does not load: ${String(thrown)}`);
    }
  }
  return true;
}

export const TARGETS: readonly Target[] = [
  ...feeds,
  ...imports,
  { name: 'what is imported', seeds: SEED_TEXTS.imports, isSlow: true, run: importedLoads },
  {
    name: 'zone file',
    seeds: [zone],
    run: (octets) => parseZone(octets.toString('latin1'), ORIGIN!, '/nowhere/f') !== null,
  },
  {
    name: 'configuration',
    seeds: SEED_TEXTS.configurations,
    isSlow: true,
    run(octets, path) {
      writeFileSync(path, octets);
      return loadConfig(path) !== null;
    },
  },
  {
    name: 'network database',
    seeds: SEED_TEXTS.databases,
    run(octets) {
      const mmdb = new Mmdb(octets);
      for (const { record } of mmdb.networks()) mmdb.read(record);
      return true;
    },
  },
  {
    name: 'capture',
    seeds: SEED_TEXTS.captures,
    run(octets) {
      const conversation = new Conversation('x');
      const reader = new CaptureReader('x', conversation);
      reader.feed(octets);
      reader.finish();
      return conversation.finish().length >= 0;
    },
  },
  {
    name: 'table of queries',
    seeds: SEED_TEXTS.tables,
    run(octets) {
      const reader = new TableReader('x', 'x');
      reader.feed(octets);
      return reader.finish().length > 0;
    },
  },
  {
    name: 'audit log or evidence bundle',
    seeds: [sealedLog()],
    isSlow: true,
    run(octets, path) {
      writeFileSync(path, octets);
      const isWhole = verify(path, null).findings.every((one) => one.startsWith('no head'));
      // A log that passes is the one that was written, or a beginning of it.
      if (isWhole && !sealedLog().subarray(0, octets.length).equals(octets)) {
        throw new Error('a changed log passes');
      }
      return isWhole;
    },
  },
  {
    name: 'head of an audit log',
    seeds: [
      Buffer.from(`3 ${'a'.repeat(64)}
`),
    ],
    run: (octets) => parseHead(octets.toString('latin1')) !== null,
  },
  {
    name: 'journal of alerts',
    seeds: SEED_TEXTS.journals,
    run: (octets) => recordsIn(text(octets)).length > 0,
  },
  {
    name: 'dnstap receiver',
    seeds: SEED_TEXTS.controls,
    // The caller gives the connection up for whatever is thrown.
    throwsPlainly: true,
    run: (octets) => new ControlReader().take(octets).length > 0,
  },
  {
    name: 'stream of an upstream',
    seeds: SEED_TEXTS.streams,
    run: (octets) => new FrameReader().push(octets, () => true),
  },
  {
    name: 'resolv.conf',
    seeds: [Buffer.from('# x\nnameserver 192.0.2.1\nnameserver 2001:db8::1 # y\nsearch a.b\n')],
    run: (octets) => parseResolvConf(text(octets)).length > 0,
  },
];

/** Cuts, copies, swaps, and words of all formats, at 0 to 5 places. */
export function mutateText(seed: Buffer, random: Random): Buffer {
  let octets: Buffer = Buffer.from(seed);
  for (let changes = random.next(6); changes > 0; changes--) {
    const at = random.next(octets.length + 1);
    const end = Math.min(octets.length, at + random.next(random.pick([2, 8, 64])));
    const before = octets.subarray(0, at);
    const kind = random.next(7);
    if (kind === 0) octets = Buffer.concat([before, octets.subarray(end)]);
    else if (kind === 1) octets = Buffer.concat([before, random.pick(WORDS), octets.subarray(at)]);
    else if (kind === 2) octets = Buffer.concat([before, random.pick(WORDS), octets.subarray(end)]);
    else if (kind === 3) octets = Buffer.concat([octets.subarray(0, end), octets.subarray(at)]);
    else if (kind === 4) {
      const from = random.next(octets.length + 1);
      const piece = octets.subarray(from, from + random.next(40));
      octets = Buffer.concat([before, piece, octets.subarray(at)]);
    } else if (at < octets.length) {
      octets[at] = kind === 5 ? random.next(256) : (octets[at] ?? 0) ^ (1 << random.next(8));
    }
  }
  return octets;
}

export interface Outcome {
  readonly taken: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly slowest: Buffer;
}

/** @throws Error with the input that a reader failed on by something other than a refusal */
export function fuzz(target: Target, rounds: number, seed: number): Outcome {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-parsers-'));
  let [taken, refused, slowestMs] = [0, 0, 0];
  let slowest: Buffer = Buffer.alloc(0);
  try {
    for (let round = 0; round < rounds; round++) {
      const octets = mutateText(random.pick(target.seeds), random);
      const from = performance.now();
      let isTaken = false;
      try {
        isTaken = target.run(octets, join(folder, 'input'));
      } catch (thrown) {
        if (!(thrown instanceof DnsvalveError) && target.throwsPlainly !== true) {
          const why = thrown instanceof Error ? thrown.stack : String(thrown);
          throw new Error(
            `${target.name}: ${why}\ninput: ${JSON.stringify(octets.toString('latin1'))}`,
          );
        }
      }
      const ms = performance.now() - from;
      if (ms > slowestMs) [slowestMs, slowest] = [ms, octets];
      if (isTaken) taken++;
      else refused++;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { taken, refused, slowestMs, slowest };
}

function main(): void {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '100000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
    },
  });
  const seed = Number(values.seed);
  process.stdout.write(`seed ${seed}\n`);
  for (const target of TARGETS) {
    const rounds = Math.ceil(Number(values.rounds) / (target.isSlow ? 50 : 1));
    const { taken, refused, slowestMs, slowest } = fuzz(target, rounds, seed);
    const slow = `the slowest ${slowestMs.toFixed(1)} ms (${slowest.length} octets)`;
    process.stdout.write(`${target.name}: ${taken} taken, ${refused} refused, ${slow}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
