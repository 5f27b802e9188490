/**
 * `dnsvalve test`: the policy tests of a configuration; with `--against`, what a new policy would
 * have done to the names of the history.
 */

import { type Command, Option } from 'commander';
import type { BackTest } from '../backtest/backtest.ts';
import type { Change } from '../backtest/changes.ts';
import { formatProblem, ProblemsError } from '../errors.ts';
import { typeToText } from '../wire/text.ts';
import type { CliContext } from './context.ts';
import { escapeText, safeJson } from './escape.ts';
import { type OutputRow, parseLimit } from './reading.ts';
import type { Column } from './table.ts';
import { type FormOptions, printReport, refuseTwoForms } from './table-or-json.ts';
import { formatTime, jsonTime, parseSince } from './time.ts';

interface TestOptions extends FormOptions {
  readonly config: string;
  readonly against?: string;
  readonly db?: string;
  readonly since: string;
  readonly workload?: string;
  readonly baseline: 'policy' | 'history';
  readonly enforce?: boolean;
  readonly limit: number;
  readonly utc?: boolean;
}

const DEFAULT_LIMIT = 1000;
/** Workloads that the summary names. */
const SUMMARY_LINES = 20;

const COLUMNS: readonly Column[] = [
  { title: 'change' },
  { title: 'workload' },
  { title: 'name' },
  { title: 'types' },
  { title: 'last seen' },
  { title: 'queries', align: 'right' },
  { title: 'let through', align: 'right' },
  { title: 'now' },
  { title: 'then' },
];

export function register(program: Command, context: CliContext): void {
  program
    .command('test')
    .description('run the policy tests; with --against, ask the history what a new policy changes')
    .option('-c, --config <file>', 'configuration file', '/etc/dnsvalve/dnsvalve.yaml')
    .option('--against <policy>', 'the new policy: its main file, or the folder that it is in')
    .option('--since <time>', 'names seen since then: 30d, or a date', '30d')
    .addOption(
      new Option('--baseline <what>', 'compare with what the files say, or with what happened')
        .choices(['policy', 'history'])
        .default('policy'),
    )
    .option('--enforce', 'as if the new policy had every workload in mode enforce')
    .option('--db <path>', 'history database (default: that of the configuration)')
    .option('--workload <name>', 'only this workload')
    .option('--limit <rows>', 'rows at most; 0 for all', parseLimit, DEFAULT_LIMIT)
    .option('--utc', 'times in UTC instead of local time')
    .option('--json', 'one JSON document')
    .option('--jsonl', 'one JSON object per line')
    .option('--csv', 'CSV with a line of titles (RFC 4180)')
    .action(async (options: TestOptions) => {
      refuseTwoForms(options);
      const { against } = options;
      if (against === undefined) await policyTests(options, context);
      else await backTest({ ...options, against }, context);
    });
}

/** All that `check` does; what is said is about the tests. */
async function policyTests({ config, json }: TestOptions, context: CliContext): Promise<void> {
  const { snapshotOf } = await import('./snapshot-of.ts');
  const head = { version: 1, command: 'test' };
  try {
    const { workloads } = (await snapshotOf(config)).config;
    const tests = workloads.reduce((sum, one) => sum + one.tests.length, 0);
    const tested = workloads.filter((one) => one.tests.length > 0).length;
    context.stdout.write(
      json === true
        ? `${safeJson({ ...head, ok: true, policy_tests: tests })}\n`
        : `${config}: ok: ${tests} policy tests of ${tested} workloads hold\n`,
    );
  } catch (error) {
    if (!(error instanceof ProblemsError) || json !== true) throw error;
    const problems = error.problems.map(formatProblem);
    context.stdout.write(`${safeJson({ ...head, ok: false, problems })}\n`);
    context.setExitCode(error.exitCode);
  }
}

type AgainstOptions = TestOptions & { readonly against: string };

async function backTest(options: AgainstOptions, context: CliContext): Promise<void> {
  const [{ BackTest: Test }, { openForReading }, { Seen }] = await Promise.all([
    import('../backtest/backtest.ts'),
    import('../history/reader.ts'),
    import('../learn/seen.ts'),
  ]);
  const { before, after, retentionMs, path } = await policies(options);
  const nowMs = context.now();
  const sinceMs = parseSince(options.since, nowMs, options.utc === true ? 'utc' : 'local');
  const limit = options.limit === 0 ? -1 : options.limit;
  const test = new Test({ before, after, isEnforced: options.enforce === true, limit });
  const db = openForReading(path);
  try {
    const window = { sinceMs, detailFromMs: nowMs - retentionMs };
    test.run(new Seen(db), window, options.workload ?? null);
  } finally {
    db.close();
  }
  print(test, { options, sinceMs }, context);
  if (test.changes.total('newly-denied') > 0) context.setExitCode(1);
}

/** Copies of downloaded feeds are those of the resolver that runs, also for the new policy. */
async function policies({ config, against, baseline, db }: AgainstOptions) {
  const { compiledPolicy } = await import('../backtest/policy-files.ts');
  const { mainFileOf } = await import('../backtest/policy-path.ts');
  const file = mainFileOf(against);
  if (baseline === 'history') {
    const after = await compiledPolicy(file);
    const { path, retentionMs } = after.config.history;
    return { before: baseline, after, retentionMs, path: db ?? path };
  }
  const before = await compiledPolicy(config);
  const { stateDirectory, history } = before.config;
  const after = await compiledPolicy(file, { stateDirectory });
  return { before, after, retentionMs: history.retentionMs, path: db ?? history.path };
}

interface Run {
  readonly options: AgainstOptions;
  readonly sinceMs: number;
}

function print(test: BackTest, { options, sinceMs }: Run, context: CliContext): void {
  const { changes } = test;
  const zone = options.utc === true ? 'utc' : 'local';
  const rows = changes.rows().map((change) => rowOf(change, (ms) => formatTime(ms, zone)));
  const head = {
    command: 'test',
    against: options.against,
    since: jsonTime(sinceMs),
    baseline: options.baseline,
    enforce: options.enforce === true,
    names: test.names,
    domains_without_detail: test.domains,
    newly_denied: changes.total('newly-denied'),
    would_deny: changes.total('would-deny'),
    newly_allowed: changes.total('newly-allowed'),
    newly_declared: test.declared,
    types_not_known: test.guessed,
    unknown_workloads: test.unknown,
  };
  printReport({ columns: COLUMNS, rows, head }, options, context);
  for (const line of summary(test, options, rows.length)) {
    context.stderr.write(`${escapeText(line)}\n`);
  }
}

function rowOf(change: Change, time: (ms: number) => string): OutputRow {
  const { kind, workload, becomes, seen, before, after } = change;
  const types = change.types.map(typeToText);
  const shown = becomes === null ? workload : `${workload} as ${becomes}`;
  const name = seen.kind === 'name' ? seen.name : `${seen.domain}, names not kept`;
  const letThrough = seen.queries - seen.denied;
  const counts = [String(seen.queries), String(letThrough)];
  return {
    cells: [kind, shown, name, types.join(' '), time(seen.lastMs), ...counts, before, after],
    document: {
      change: kind,
      workload,
      becomes,
      name: seen.name,
      detail: seen.kind === 'name',
      domain: seen.domain,
      types,
      first_type: seen.firstType === 0 ? null : typeToText(seen.firstType),
      first_seen: jsonTime(seen.firstMs),
      last_seen: jsonTime(seen.lastMs),
      queries: seen.queries,
      let_through: letThrough,
      denied: seen.denied,
      would_deny: seen.wouldDeny,
      before,
      after,
    },
  };
}

function summary(test: BackTest, options: AgainstOptions, shown: number): string[] {
  const { changes, names, domains, declared, unknown } = test;
  const found = [...changes.counts];
  const all = found.reduce((sum, [, counts]) => sum + Object.values(counts).reduce(add, 0), 0);
  const lines = found.slice(0, SUMMARY_LINES).map(([workload, counts]) => {
    const { 'newly-denied': denied, 'would-deny': would, 'newly-allowed': allowed } = counts;
    return `${workload}: ${denied} newly denied, ${would} would be, ${allowed} newly allowed`;
  });
  if (found.length > SUMMARY_LINES) lines.push(`and ${found.length - SUMMARY_LINES} workloads`);
  if (shown < all) lines.push(`limited to ${shown} of ${all} rows; --limit 0 for all`);
  if (declared > 0) lines.push(`${declared} names that only the mode let through have a rule then`);
  if (domains > 0) {
    lines.push(`${domains} domains have names that are not kept: judged by the domain alone`);
  }
  if (test.guessed > 0) {
    const kept = 'the history keeps the type of the first query of a domain only';
    lines.push(`${test.guessed} changes are for types that nobody may have asked for: ${kept}`);
  }
  if (unknown.length > 0) lines.push(`in neither policy, not judged: ${unknown.join(', ')}`);
  const total = changes.total('newly-denied');
  lines.push(`${names} names asked for since ${options.since}, ${total} newly denied`);
  return lines;
}

function add(a: number, b: number): number {
  return a + b;
}
