/** `dnsvalve report`: who has what open, what is not used, what may go, where traffic goes. */

import { type Command, InvalidArgumentError } from 'commander';
import { DnsvalveError } from '../errors.ts';
import type { Asked, ReportPlan } from '../reports/plan.ts';
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
  readonly top?: number;
  readonly dot?: boolean;
  readonly mermaid?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const report = program
    .command('report')
    .description('what is open, unused, unneeded, usual and new, for people and for auditors');
  const sub = (name: string, description: string): Command => {
    return addOptions(report.command(name).description(description));
  };
  const to = (options: ReportOptions): Way => ({ options, context });
  sub('open', 'who has what open: by which rule, approved by whom, until when, last used when')
    .option('--since <time>', 'what counts as idle: not used since then', '90d')
    .action(async (options) => run(to(options), (await plans()).openPlan));
  sub('unused', 'rules and exceptions that nobody used, with the patch that removes them')
    .option('--since <time>', 'not used since then', '90d')
    .option('--patch', 'only the patch, for patch -p0')
    .action(async (options) => run(to(options), (await plans()).unusedPlan));
  sub('least-egress', 'workloads that need nothing of the outside, or less than they have')
    .option('--since <time>', 'what was let through since then is needed', '90d')
    .option('--patch', 'only the patch, for patch -p0')
    .action(async (options) => run(to(options), (await plans()).leastPlan));
  sub('flows', 'the normal flows: workload to domain, how much, how steadily')
    .option('--since <time>', 'asked for since then', '30d')
    .option('--until <time>', 'first asked for before then')
    .option('--top <count>', 'domains of a workload, those with the most queries', count, 20)
    .option('--dot', 'a graph for Graphviz')
    .option('--mermaid', 'a graph for Mermaid')
    .action(async (options) => flows(to(options)));
  sub('changes', 'what changed between two moments: policy, exceptions, acts, destinations')
    .option('--since <time>', 'from then', '7d')
    .option('--until <time>', 'to then (default: now)')
    .action(async (options) => run(to(options), (await plans()).changesPlan));
}

/** Loaded when a report runs, and not for the help. */
function plans() {
  return import('../reports/plans.ts');
}

function addOptions(command: Command): Command {
  return command
    .option('-c, --config <path>', 'configuration', DEFAULT_CONFIG)
    .option('--db <path>', 'history database, where it is not the one of the configuration')
    .option('--files', 'about what the files say, not about what is in force')
    .option('--workload <name>', 'only this workload')
    .option('--limit <rows>', 'rows at most; 0 for all', count, 0)
    .option('--utc', 'times in UTC instead of local time')
    .option('--html <path>', 'as one page, written to a file')
    .option('--json', 'one JSON document')
    .option('--jsonl', 'one JSON object per line')
    .option('--csv', 'CSV with a line of titles (RFC 4180)');
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('give a number, 0 for all');
  return Number(text);
}

interface Way {
  readonly options: ReportOptions;
  readonly context: CliContext;
}

function askedOf({ options, context }: Way): Asked {
  const zone: Zone = options.utc === true ? 'utc' : 'local';
  const nowMs = context.now();
  const { config, db = null, files = false, workload = null, limit, since, until } = options;
  const sinceMs = parseSince(since, nowMs, zone);
  const untilMs = until === undefined ? nowMs : parseSince(until, nowMs, zone);
  if (untilMs <= sinceMs) throw new DnsvalveError('USAGE', '--until: not after --since');
  const asked = { configPath: config, dbPath: db, isFiles: files, workload, limit, nowMs };
  return { ...asked, sinceMs, untilMs, zone, top: options.top ?? 0 };
}

async function run<Row>(way: Way, plan: ReportPlan<Row>): Promise<void> {
  refuseTwoForms(way.options);
  const { reportOf } = await import('../reports/plan.ts');
  await printReport(reportOf(askedOf(way), plan), way.options, way.context);
}

async function flows(way: Way): Promise<void> {
  const { flowsOf, flowsPlan } = await plans();
  const { dot, mermaid } = way.options;
  if (dot !== true && mermaid !== true) return run(way, flowsPlan);
  const { json, jsonl, csv, html } = way.options;
  if ([dot, mermaid, json, jsonl, csv].filter(Boolean).length + (html ? 1 : 0) > 1) {
    throw new DnsvalveError('USAGE', '--dot, --mermaid and the other forms: give one of them');
  }
  const { withMaterial } = await import('../reports/plan.ts');
  const { dotOf, mermaidOf } = await import('../reports/graph.ts');
  const { flows: found } = withMaterial(askedOf(way), flowsOf);
  way.context.stdout.write(dot === true ? dotOf(found) : mermaidOf(found));
}
