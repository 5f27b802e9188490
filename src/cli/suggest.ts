/**
 * `dnsvalve suggest WORKLOAD --since 14d`: the allowlist that what was seen of a workload calls
 * for, as YAML with remarks. Reads the history and the configuration; changes nothing.
 */

import type { Command } from 'commander';
import type { Question } from '../learn/ask.ts';
import type { SuggestContext, Suggestion } from '../learn/suggest.ts';
import type { Suspects } from '../learn/suspects.ts';
import type { CliContext } from './context.ts';
import { safeJson } from './escape.ts';
import { jsonTime, parseSince } from './time.ts';

interface SuggestCommandOptions {
  readonly config: string;
  readonly db?: string;
  readonly since?: string;
  readonly until?: string;
  readonly suspects?: boolean;
  readonly json?: boolean;
}

export function register(program: Command, context: CliContext): void {
  program
    .command('suggest')
    .description('write the allowlist of a workload from what it was seen to ask for')
    .argument('<workload>', 'name of a workload')
    .option('-c, --config <file>', 'configuration file', '/etc/dnsvalve/dnsvalve.yaml')
    .option('--db <path>', 'history database, in place of the one of the configuration')
    .option('--since <time>', 'a duration back from now or a date (default: learn.window)')
    .option('--until <time>', 'before this time, as --since')
    .option('--suspects', 'also what detectors or its reputation speak against')
    .option('--json', 'as one JSON document')
    .action((workload: string, options: SuggestCommandOptions) => run(workload, options, context));
}

async function run(
  workload: string,
  options: SuggestCommandOptions,
  context: CliContext,
): Promise<void> {
  const { loadConfig } = await import('../config/load.ts');
  const { openForReading } = await import('../history/reader.ts');
  const { ready, suggestContext } = await import('../learn/ask.ts');
  const { suggest } = await import('../learn/suggest.ts');
  const { snapshotFrom } = await import('./snapshot-of.ts');
  const nowMs = context.now();
  const untilMs =
    options.until === undefined ? nowMs + 1 : parseSince(options.until, nowMs, 'local');
  const config = loadConfig(options.config);
  const { since } = options;
  const sinceMs =
    since === undefined ? nowMs - config.learn.windowMs : parseSince(since, nowMs, 'local');
  const db = openForReading(options.db ?? config.history.path);
  const asked = { workload, sinceMs, untilMs, nowMs, compile: snapshotFrom };
  try {
    const question = await ready(config, db, asked);
    const how = suggestContext(question, db, { includesSuspects: options.suspects === true });
    const names = question.seen.names(workload, question.window);
    const suggestion = await suggest(names, how);
    const isEmpty = suggestion.count === 0;
    if (isEmpty) context.stderr.write(`${workload}: the history has nothing of it in the window\n`);
    const text =
      options.json === true
        ? `${safeJson(documentOf(suggestion, question))}\n`
        : await yamlOf(suggestion, question, { ...how, options });
    context.stdout.write(text);
  } finally {
    db.close();
  }
}

interface Told extends SuggestContext {
  readonly suspects: Suspects;
  readonly options: SuggestCommandOptions;
}

async function yamlOf(suggestion: Suggestion, question: Question, told: Told): Promise<string> {
  const { suggestionYaml } = await import('../learn/yaml.ts');
  const { config, workload, window, nowMs } = question;
  const { since, until, suspects } = told.options;
  const words = ['dnsvalve suggest', workload.name];
  if (since !== undefined) words.push('--since', since);
  if (until !== undefined) words.push('--until', until);
  if (suspects === true) words.push('--suspects');
  return suggestionYaml(suggestion, {
    config,
    workload,
    sinceMs: window.sinceMs,
    untilMs: Math.min(window.untilMs, nowMs),
    command: words.join(' '),
    notes: notesOf(question, told),
  });
}

function notesOf({ workload }: Question, { suspects }: Told): string[] {
  const notes: string[] = [];
  if (suspects.ofWorkload.length > 0) {
    const names = suspects.ofWorkload.join(', ');
    notes.push(`LOOK: of all that it asked for, detectors found: ${names} (docs/detection.md).`);
  }
  if (workload.chain === 'inspect') {
    notes.push('LOOK: `chain: inspect` asks for the targets of aliases too; the history has none.');
  }
  return notes;
}

function documentOf(suggestion: Suggestion, { workload, window, nowMs }: Question): object {
  return {
    version: 1,
    command: 'suggest',
    workload: workload.name,
    since: jsonTime(window.sinceMs),
    until: jsonTime(Math.min(window.untilMs, nowMs)),
    names: suggestion.count,
    entries: suggestion.entries.map(({ pattern, why, flags, seen }) => ({
      pattern,
      why,
      flags,
      names: seen.map(seenDocument),
    })),
    covered: suggestion.covered,
    left_out: suggestion.leftOut.map(({ seen, kind, reason }) => ({
      kind,
      reason,
      ...seenDocument(seen),
    })),
  };
}

function seenDocument(seen: Suggestion['leftOut'][number]['seen']): object {
  const { kind, name, queries, firstMs, lastMs } = seen;
  const isWhole = kind === 'name';
  return {
    name,
    known: isWhole,
    queries,
    first_seen: jsonTime(firstMs),
    last_seen: jsonTime(lastMs),
  };
}
