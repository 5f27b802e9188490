/**
 * `dnsvalve top`: the workloads, domains or verdicts that most queries were about, since a moment.
 */

import { Argument, type Command } from 'commander';
import { DnsvalveError } from '../errors.ts';
import { textOfReversed } from '../history/names.ts';
import type { AskedVerdict } from '../history/queries-filter.ts';
import { countOf, type Top, type TopRow } from '../history/queries-top.ts';
import type { CliContext } from './context.ts';
import {
  addReadingOptions,
  addWindowOptions,
  type OutputRow,
  type Reading,
  type ReadingOptions,
  withHistory,
} from './reading.ts';
import type { Column } from './table.ts';

const KINDS = ['domain', 'workload', 'verdict'] as const;
type Kind = (typeof KINDS)[number];

const VERDICTS: readonly AskedVerdict[] = ['allowed', 'denied', 'would-deny', 'failed'];

const DEFAULT_LIMIT = 20;
const DEFAULT_SINCE = '24h';

const COUNTS: readonly Column[] = [
  'queries',
  'share',
  'allowed',
  'denied',
  'would deny',
  'failed',
].map((title) => ({ title, align: 'right' }));

export function register(program: Command, context: CliContext): void {
  const kind = new Argument('[kind]', 'what is counted').choices([...KINDS]).default('domain');
  const command = program
    .command('top')
    .description('what most queries were about (default: of 24 hours)')
    .addArgument(kind);
  addWindowOptions(addReadingOptions(command))
    .setOptionValueWithSource('limit', DEFAULT_LIMIT, 'default')
    .action((what: Kind, options: ReadingOptions) => {
      if (what === 'verdict' && options.verdict !== undefined) {
        throw new DnsvalveError('USAGE', 'top: verdict, or --verdict');
      }
      const chosen = { ...options, since: options.since ?? DEFAULT_SINCE };
      return withHistory('top', chosen, context, (reading) => run(reading, what, options.verdict));
    });
}

function run(reading: Reading, what: Kind, verdict: AskedVerdict | undefined): void {
  const top = reading.queries.top(what === 'domain' ? 'domain' : 'workload', reading.filter);
  reading.noteUnknownWorkload();
  if (what === 'verdict') {
    printVerdicts(reading, top);
  } else {
    const total = countOf(top.sum, verdict) + missedOf(top, verdict);
    reading.print(
      [{ title: what }, ...COUNTS],
      top.rows.map((row) => outputOf(what, row, share(countOf(row, verdict), total))),
    );
  }
  if (top.sum.queries > 0) noteWindow(reading, top);
}

/** How each of the queries that are not listed was decided, nobody kept. */
function missedOf({ missed }: Top, verdict: AskedVerdict | undefined): number {
  return verdict === undefined ? missed : 0;
}

function outputOf(what: Kind, row: TopRow, part: number): OutputRow {
  const { key, queries, allowed, denied, wouldDeny, failed } = row;
  const name = what === 'domain' ? textOfReversed(key) : key;
  const counts = [allowed, denied, wouldDeny, failed].map(String);
  return {
    cells: [name, String(queries), `${part.toFixed(1)} %`, ...counts],
    document: {
      [what]: name,
      queries,
      share: Number(part.toFixed(1)),
      allowed,
      denied,
      would_deny: wouldDeny,
      failed,
    },
  };
}

function printVerdicts(reading: Reading, { sum }: Top): void {
  const total = sum.queries;
  const counts: readonly (readonly [AskedVerdict, number])[] = VERDICTS.map((verdict) => {
    return [verdict, countOf(sum, verdict)];
  });
  const found = counts.filter(([, queries]) => queries > 0).sort(([, a], [, b]) => b - a);
  reading.print(
    [{ title: 'verdict' }, ...COUNTS.slice(0, 2)],
    found.map(([verdict, queries]) => {
      const part = share(queries, total);
      const document = { verdict, queries, share: Number(part.toFixed(1)) };
      return { cells: [verdict, String(queries), `${part.toFixed(1)} %`], document };
    }),
  );
}

/** Percent. */
function share(count: number, total: number): number {
  return total === 0 ? 0 : (count / total) * 100;
}

function noteWindow(reading: Reading, { fromMs, untilMs, missed }: Top): void {
  const end = Math.min(untilMs, reading.nowMs);
  reading.note(`counted from ${reading.time(fromMs)} to ${reading.time(end)}`);
  if (missed > 0) reading.note(`${missed} queries more were for domains too rare to be listed`);
}
