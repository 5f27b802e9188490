/**
 * `dnsvalve promote WORKLOAD`: from `report` to `enforce`, if nothing that was seen would be denied
 * and the window has seen what there is. Changes one word of the file; `reload` puts it in force.
 */

import type { Command } from 'commander';
import type { Config, Workload } from '../config/types.ts';
import type { Judgement, Refusal } from '../learn/judge.ts';
import type { Promotion } from '../learn/promote.ts';
import type { CliContext } from './context.ts';
import { escapeText, safeJson } from './escape.ts';
import { parseSince } from './time.ts';

interface PromoteOptions {
  readonly config: string;
  readonly db?: string;
  readonly since?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Refusals of one kind that are printed; JSON has them all. */
const SHOWN = 20;

export function register(program: Command, context: CliContext): void {
  program
    .command('promote')
    .description('take a workload from report to enforce, if nothing seen would be denied')
    .argument('<workload>', 'name of a workload')
    .option('-c, --config <file>', 'configuration file', '/etc/dnsvalve/dnsvalve.yaml')
    .option('--db <path>', 'history database, in place of the one of the configuration')
    .option('--since <time>', 'window: a duration back from now or a date (default: learn.window)')
    .option('--dry-run', 'only say whether it would be promoted')
    .option('--json', 'as one JSON document')
    .action((workload: string, options: PromoteOptions) => run(workload, options, context));
}

async function run(name: string, options: PromoteOptions, context: CliContext): Promise<void> {
  const { loadConfig } = await import('../config/load.ts');
  const { workloadOf } = await import('../learn/ask.ts');
  const { nextMode, promotion } = await import('../learn/promote.ts');
  const { snapshotFrom } = await import('./snapshot-of.ts');
  const config = loadConfig(options.config);
  const workload = workloadOf(config, name);
  if (nextMode(workload) === null) {
    context.stderr.write(`${name}: is in enforce; there is nothing to promote\n`);
    return;
  }
  const said =
    workload.mode === 'open' ? NOTHING : await judged(config, workload, options, context);
  const isRefused = said.refusals.length > 0;
  const change = isRefused ? null : await promotion(options.config, config, workload, snapshotFrom);
  if (change !== null && options.dryRun !== true) change.write();
  if (isRefused) context.setExitCode(1);
  const outcome = { workload, said, change, isWritten: options.dryRun !== true };
  if (options.json === true) context.stdout.write(`${safeJson(documentOf(outcome))}\n`);
  else tell(outcome, context);
}

/** From `open` to `report` nothing is denied that was not before. */
const NOTHING: Judgement = { refusals: [], notes: [], names: 0, allowed: 0, denied: 0 };

async function judged(
  config: Config,
  workload: Workload,
  { db: path, since }: PromoteOptions,
  context: CliContext,
): Promise<Judgement> {
  const { openForReading } = await import('../history/reader.ts');
  const { ready } = await import('../learn/ask.ts');
  const { judge } = await import('../learn/judge.ts');
  const { snapshotFrom } = await import('./snapshot-of.ts');
  const nowMs = context.now();
  const { windowMs } = config.learn;
  const sinceMs = since === undefined ? nowMs - windowMs : parseSince(since, nowMs, 'local');
  const times = { sinceMs, untilMs: nowMs + 1, nowMs };
  const db = openForReading(path ?? config.history.path);
  try {
    const asked = { workload: workload.name, ...times, compile: snapshotFrom };
    return judge(await ready(config, db, asked), db);
  } finally {
    db.close();
  }
}

interface Outcome {
  readonly workload: Workload;
  readonly said: Judgement;
  /** Null where it is refused. */
  readonly change: Promotion | null;
  readonly isWritten: boolean;
}

function tell({ workload, said, change, isWritten }: Outcome, context: CliContext): void {
  const { names, allowed, denied, notes } = said;
  const counts = `${names} names seen: ${allowed} allowed by rules, ${denied} denied by rules`;
  const lines =
    change === null
      ? [`${workload.name}: not promoted; ${counts}`, ...refusalLines(said.refusals)]
      : [
          ...(workload.mode === 'open' ? [] : [`${workload.name}: ${counts}; all are decided`]),
          `${change.place}: mode: ${change.from} -> ${change.to}${isWritten ? '' : ' (dry run)'}`,
        ];
  context.stdout.write(lines.map((line) => `${escapeText(line)}\n`).join(''));
  for (const note of notes) context.stderr.write(`note: ${escapeText(note)}\n`);
  const hint =
    change === null
      ? `\`dnsvalve suggest ${workload.name}\` writes what is missing; \`deny\` what is not meant`
      : '`dnsvalve reload` puts it in force';
  if (change === null || isWritten) context.stderr.write(`${hint}\n`);
}

function refusalLines(refusals: readonly Refusal[]): string[] {
  const lines: string[] = [];
  for (const [code, list] of Map.groupBy(refusals, (refusal) => refusal.code)) {
    const most = list.toSorted((a, b) => (b.seen?.queries ?? 0) - (a.seen?.queries ?? 0));
    lines.push(...most.slice(0, SHOWN).map(({ text }) => `  ${text}`));
    const more = list.length - SHOWN;
    if (more > 0) lines.push(`  and ${more} more of this kind (${code}); --json has them all`);
  }
  return lines;
}

function documentOf({ workload, said, change, isWritten }: Outcome): object {
  const { refusals, notes, names, allowed, denied } = said;
  return {
    version: 1,
    command: 'promote',
    workload: workload.name,
    ok: change !== null,
    from: workload.mode,
    to: change?.to ?? workload.mode,
    written: change !== null && isWritten,
    names,
    allowed,
    denied,
    refusals: refusals.map(({ code, text, seen }) => ({ code, text, name: seen?.name ?? null })),
    notes,
  };
}
