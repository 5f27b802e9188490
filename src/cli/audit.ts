/**
 * `dnsvalve audit`: who did what to the resolver. Reads the file directly, works without the
 * daemon, and checks the chain while it reads.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AUDIT_FILE } from '../audit/log.ts';
import type { Actor, AuditRecord } from '../audit/record.ts';
import { checkAudit } from '../audit/verify.ts';
import { DnsvalveError } from '../errors.ts';
import type { CliContext } from './context.ts';
import { escapeText, safeJson } from './escape.ts';
import { stateDirectory } from './state-path.ts';
import { type Column, renderTable, titleStyle } from './table.ts';
import { formatTime, parseSince, type Zone } from './time.ts';

const DEFAULT_CONFIG = '/etc/dnsvalve/dnsvalve.yaml';
const DOCUMENT_VERSION = 1;

const COLUMNS: readonly Column[] = [
  { title: 'seq', align: 'right' },
  { title: 'time' },
  { title: 'act' },
  { title: 'by' },
  { title: 'what came of it' },
];

interface AuditOptions {
  readonly config: string;
  readonly file?: string;
  readonly since?: string;
  readonly act?: string;
  readonly utc?: boolean;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

export function register(program: Command, context: CliContext): void {
  program
    .command('audit')
    .description('administrative acts: who did what, and what came of it')
    .option('-c, --config <path>', 'configuration that names the state directory', DEFAULT_CONFIG)
    .option('--file <path>', 'the log itself, as a copy of it')
    .option('--since <time>', 'a duration back from now (7d, 24h) or a date (2026-03-01)')
    .option('--act <name>', 'only acts of this name (reload, quarantine, ...)')
    .option('--utc', 'times in UTC instead of local time')
    .option('--json', 'one JSON document')
    .option('--jsonl', 'one JSON object per line')
    .action((options: AuditOptions) => run(options, context));
}

async function run(options: AuditOptions, context: CliContext): Promise<void> {
  if (options.json === true && options.jsonl === true) {
    throw new DnsvalveError('USAGE', '--json and --jsonl: give one of them');
  }
  const path = options.file ?? join(await stateDirectory(options.config), AUDIT_FILE);
  if (!existsSync(path)) {
    throw new DnsvalveError('DATABASE', `audit log ${path}: no such file; the daemon makes it`);
  }
  const zone: Zone = options.utc === true ? 'utc' : 'local';
  const { since, act } = options;
  const sinceMs = since === undefined ? 0 : parseSince(since, context.now(), zone);
  const records: AuditRecord[] = [];
  const { findings } = checkAudit(path, {
    digest: null,
    onRecord: (record) => {
      const isWanted = act === undefined || record.act === act;
      if (isWanted && Date.parse(record.time) >= sinceMs) records.push(record);
    },
  });
  print(records, { options, zone, context });
  if (findings.length === 0) return;
  context.stderr.write(`the log is not whole; dnsvalve evidence verify ${escapeText(path)}\n`);
  context.setExitCode(1);
}

interface Way {
  readonly options: AuditOptions;
  readonly zone: Zone;
  readonly context: CliContext;
}

function print(records: readonly AuditRecord[], { options, zone, context }: Way): void {
  const { stdout } = context;
  if (options.json === true) {
    const document = { version: DOCUMENT_VERSION, command: 'audit', rows: records };
    stdout.write(`${safeJson(document)}\n`);
  } else if (options.jsonl === true) {
    stdout.write(records.map((record) => `${safeJson(record)}\n`).join(''));
  } else if (records.length > 0) {
    const rows = records.map((record) => cellsOf(record, zone));
    stdout.write(renderTable(COLUMNS, rows, titleStyle(context)));
  }
  if (records.length === 0) context.stderr.write('nothing found\n');
}

function cellsOf({ seq, time, act, by, details }: AuditRecord, zone: Zone): string[] {
  return [String(seq), formatTime(Date.parse(time), zone), act, actorText(by), outcome(details)];
}

function actorText(by: Actor): string {
  if (by.via === 'signal') return by.signal;
  if (by.via === 'process') return `process ${by.pid}, uid ${by.uid}`;
  return by.uid === null ? 'control socket' : `uid ${by.uid}, pid ${by.pid}`;
}

/** In one line: the refusal, or the policy before and after. */
function outcome(details: Readonly<Record<string, unknown>>): string {
  const { before, after, refused } = details;
  if (typeof refused === 'string') return `refused: ${refused.split('\n').join('; ')}`;
  if (typeof details['id'] === 'string') return overrideText(details);
  const policies = [before, after].filter((policy) => policy !== undefined && policy !== null);
  return policies.length > 0 ? policies.map(policyText).join(' to ') : safeJson(details);
}

/** `ex-17 requested to approved by bob: payments-api *.partner.example`. */
function overrideText({ id, person, before, after }: Readonly<Record<string, unknown>>): string {
  const earlier = before as Record<string, unknown> | null;
  const {
    state,
    workload,
    pattern,
    domain,
    break_glass: isBreakGlass,
  } = after as Record<string, unknown>;
  const first = isBreakGlass === true ? 'opened without an approval' : String(state);
  const states = earlier === null ? first : `${earlier['state']} to ${state}`;
  const what = [workload, pattern ?? domain].filter((part) => typeof part === 'string').join(' ');
  return `${id} ${states}${person === undefined ? '' : ` by ${person}`}: ${what}`;
}

function policyText(policy: unknown): string {
  const { revision, configuration } = policy as Record<string, unknown>;
  return `revision ${String(revision)} (${String(configuration).slice(0, 12)})`;
}
