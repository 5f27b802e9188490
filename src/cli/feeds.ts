/**
 * `dnsvalve feeds hunt FILE`: which workloads asked for what a list names, long before the list
 * did.
 */

import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { FeedFormat } from '../config/types.ts';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { Hit } from '../hunt/hunt.ts';
import type { CliContext } from './context.ts';
import { pairDocument } from './pair-output.ts';
import { addReadingOptions, type Reading, type ReadingOptions, withHistory } from './reading.ts';
import type { Column } from './table.ts';

/** Somebody asked: what a script that hunts wants to know. */
const FOUND = 1;

const FORMATS: readonly FeedFormat[] = ['auto', 'hosts', 'plain', 'adblock', 'rpz'];

const COLUMNS: readonly Column[] = [
  { title: 'workload' },
  { title: 'name' },
  { title: 'indicator' },
  { title: 'first seen' },
  { title: 'last seen' },
  { title: 'queries', align: 'right' },
  { title: 'denied', align: 'right' },
  { title: 'first verdict' },
];

interface HuntOptions extends ReadingOptions {
  readonly format: FeedFormat;
}

export function register(program: Command, context: CliContext): void {
  const feeds = program.command('feeds').description('lists of names, and the past');
  const command = feeds
    .command('hunt')
    .description('who asked for what a list names; exits 1 where somebody did')
    .argument('<file>', 'a list in any format of a feed')
    .addOption(new Option('--format <format>', 'of the list').choices(FORMATS).default('auto'));
  addReadingOptions(command).action((file: string, options: HuntOptions) =>
    run(file, options, context),
  );
}

async function run(file: string, options: HuntOptions, context: CliContext): Promise<void> {
  const [{ parseIndicators }, { hunt }] = await Promise.all([
    import('../hunt/indicators.ts'),
    import('../hunt/hunt.ts'),
  ]);
  const { indicators, rejects } = parseIndicators(contentOf(file), options.format);
  if (indicators.size === 0) throw new DnsvalveError('FEED', `${file}: no names to look for`);
  await withHistory('feeds hunt', options, context, (reading, db) => {
    const { queries, workload, sinceMs, limit } = reading;
    const found = hunt({ db, queries }, indicators, { workload, sinceMs, limit: -1 });
    reading.noteUnknownWorkload();
    print(reading, limit < 0 ? found.hits : found.hits.slice(0, limit));
    for (const { kind, count, firstLine, sample } of rejects) {
      reading.note(
        `not looked for: ${count} of kind ${kind}, first in line ${firstLine}: ${sample}`,
      );
    }
    if (found.uncertain > 0) {
      const what = 'of whose domain queries were counted without their full names';
      reading.note(`${found.uncertain} indicators may be missed, ${what}`);
    }
    if (found.hits.length > 0) context.setExitCode(FOUND);
  });
}

/** @throws DnsvalveError USAGE */
function contentOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new DnsvalveError('USAGE', `${file}: ${messageOf(error)}`, error);
  }
}

function print(reading: Reading, hits: readonly Hit[]): void {
  const rows = hits.map((hit) => ({
    cells: [
      hit.workload,
      hit.name,
      hit.indicator,
      reading.time(hit.firstMs),
      reading.time(hit.lastMs),
      String(hit.queries),
      String(hit.denied),
      hit.firstVerdict,
    ],
    document: { indicator: hit.indicator, ...pairDocument(hit) },
  }));
  reading.print(COLUMNS, rows);
}
