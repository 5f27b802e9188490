/** `dnsvalve report`: who has what open, what is not used, what may go, where traffic goes. */

import { type Command, InvalidArgumentError } from 'commander';
import type { ReportPlan } from '../reports/plan.ts';
import type { CliContext } from './context.ts';
import { type OutputOptions, printReport, refuseTwoForms } from './report-output.ts';
import { parseSince, type Zone } from './time.ts';

const DEFAULT_CONFIG = '/etc/dnsvalve/dnsvalve.yaml';

export interface ReportOptions extends OutputOptions {
  readonly config: string;
  readonly db?: string;
  readonly files?: boolean;
  readonly workload?: string;
  readonly since: string;
  readonly until?: string;
  readonly limit: number;
}

export function register(program: Command, context: CliContext): void {
  const report = program
    .command('report')
    .description('what is open, unused, unneeded, usual and new, for people and for auditors');
  const open = report
    .command('open')
    .description('who has what open: by which rule, approved by whom, until when, last used when');
  addOptions(open, '90d', 'what counts as idle: not used since').action(
    async (options: ReportOptions) => {
      const { openPlan } = await import('../reports/plans.ts');
      await run(options, context, openPlan);
    },
  );
}

function addOptions(command: Command, since: string, about: string): Command {
  return command
    .option('-c, --config <path>', 'configuration', DEFAULT_CONFIG)
    .option('--db <path>', 'history database, where it is not the one of the configuration')
    .option('--files', 'about what the files say, not about what is in force')
    .option('--workload <name>', 'only this workload')
    .option('--since <time>', about, since)
    .option('--limit <rows>', 'rows at most; 0 for all', parseLimit, 0)
    .option('--utc', 'times in UTC instead of local time')
    .option('--html <path>', 'as one page, written to a file')
    .option('--json', 'one JSON document')
    .option('--jsonl', 'one JSON object per line')
    .option('--csv', 'CSV with a line of titles (RFC 4180)');
}

function parseLimit(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('give a number of rows, 0 for all');
  return Number(text);
}

async function run<Row>(
  options: ReportOptions,
  context: CliContext,
  plan: ReportPlan<Row>,
): Promise<void> {
  refuseTwoForms(options);
  const zone: Zone = options.utc === true ? 'utc' : 'local';
  const nowMs = context.now();
  const { withMaterial } = await import('../reports/plan.ts');
  const { config, db = null, files = false, workload = null, limit, since, until } = options;
  const asked = { configPath: config, dbPath: db, isFiles: files, workload, limit, nowMs };
  const report = withMaterial(
    {
      ...asked,
      sinceMs: parseSince(since, nowMs, zone),
      untilMs: until === undefined ? nowMs : parseSince(until, nowMs, zone),
      zone,
    },
    plan,
  );
  await printReport(report, options, context);
}
