/** What `drift` found, and the patch, on their way out. */

import { FINDING_KINDS, type Finding, type FindingKind } from '../drift/finding.ts';
import type { Proof } from '../drift/proven.ts';
import type { CliContext } from './context.ts';
import { escapeText } from './escape.ts';
import type { OutputRow } from './reading.ts';
import type { Column } from './table.ts';
import { type FormOptions, printReport } from './table-or-json.ts';
import { formatTime, jsonTime } from './time.ts';

export interface DriftOptions extends FormOptions {
  readonly config: string;
  readonly control?: string;
  readonly db?: string;
  readonly since: string;
  readonly workload?: string;
  readonly kind?: readonly FindingKind[];
  readonly patch?: boolean;
  readonly write?: boolean;
  readonly limit: number;
  readonly utc?: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'drift' },
  { title: 'workload' },
  { title: 'what' },
  { title: 'queries', align: 'right' },
  { title: 'last seen' },
  { title: 'watched since' },
  { title: 'patch' },
  { title: 'place' },
  { title: 'note' },
];

const TYPES_CAVEAT =
  'which types were asked for is not kept: a rule for any of them counts as used by the name';

interface Run {
  readonly options: DriftOptions;
  /** Whether some rule is for some types only. */
  readonly isTyped: boolean;
  readonly sinceMs: number;
  /** Null where no patch was asked for. */
  readonly proof: Proof | null;
}

export async function printDrift(
  findings: readonly Finding[],
  { options, isTyped, sinceMs, proof }: Run,
  context: CliContext,
): Promise<void> {
  const { diffOf } = await import('../drift/patch.ts');
  const diff = proof === null ? null : diffOf(proof.patch);
  if (options.write === true && proof !== null) {
    const { replaceFile } = await import('../config/edit.ts');
    for (const { path, before, after } of proof.patch.files) {
      replaceFile({ path, text: before }, after);
    }
  }
  const isForm = options.json === true || options.jsonl === true || options.csv === true;
  const limit = options.limit === 0 ? findings.length : options.limit;
  const rows = findings.slice(0, limit).map((finding) => rowOf(finding, options));
  const counts = FINDING_KINDS.map((kind) => [kind, countOf(findings, kind)] as const);
  const head = {
    command: 'drift',
    since: jsonTime(sinceMs),
    counts: Object.fromEntries(counts),
    ...(diff === null ? {} : { patch: diff, written: options.write === true }),
  };
  if (diff !== null && !isForm) context.stdout.write(options.write === true ? '' : diff);
  else printReport({ columns: COLUMNS, rows, head }, options, context);
  const lines = [
    ...(proof === null ? [] : proofLines(proof, options)),
    ...(rows.length < findings.length && (diff === null || isForm)
      ? [`limited to ${rows.length} of ${findings.length} rows; --limit 0 for all`]
      : []),
    ...(isTyped ? [TYPES_CAVEAT] : []),
    ...summary(findings, options),
  ];
  for (const line of lines) context.stderr.write(`${escapeText(line)}\n`);
}

function rowOf(finding: Finding, options: DriftOptions): OutputRow {
  const { kind, workload, subject, at, queries, lastMs, watchedMs, note, remedy } = finding;
  const zone = options.utc === true ? 'utc' : 'local';
  const time = (ms: number | null): string => (ms === null ? '' : formatTime(ms, zone));
  const patch = remedy === null ? '' : remedy.kind === 'remove' ? 'out' : 'in';
  const place = at === null ? '' : at.line === 0 ? at.file : `${at.file}:${at.line}`;
  const who = workload === '' ? 'everyone' : workload;
  const seen = [queries === null ? '' : String(queries), time(lastMs), time(watchedMs)];
  return {
    cells: [kind, kind === 'live' ? '' : who, subject, ...seen, patch, place, note],
    document: {
      drift: kind,
      workload: workload === '' ? null : workload,
      what: subject,
      queries,
      last_seen: lastMs === null ? null : jsonTime(lastMs),
      watched_since: watchedMs === null ? null : jsonTime(watchedMs),
      patch: patch === '' ? null : patch,
      file: at?.file ?? null,
      line: at === null || at.line === 0 ? null : at.line,
      note,
    },
  };
}

function countOf(findings: readonly Finding[], kind: FindingKind): number {
  return findings.filter((one) => one.kind === kind).length;
}

function proofLines({ patch, names }: Proof, options: DriftOptions): string[] {
  const lines = patch.left.map(
    ({ list, why }) => `left as it is: ${list.path.join('.')} in ${list.file}: ${why}`,
  );
  const done = options.write === true ? 'written' : 'patched';
  lines.push(...patch.files.map(({ file }) => `${done}: ${file}`));
  if (patch.files.length === 0) lines.push('nothing to patch');
  else lines.push(`passes check; ${names} names of the history asked, none newly denied`);
  return lines;
}

function summary(findings: readonly Finding[], { since }: DriftOptions): string[] {
  const counts = FINDING_KINDS.flatMap((kind) => {
    const count = countOf(findings, kind);
    return count === 0 ? [] : [`${count} ${kind}`];
  });
  if (counts.length === 0) return [`no drift since ${since}`];
  const isUnused = findings.some(({ kind }) => /unused|silent/.test(kind));
  const caveat = `what runs once a month, a quarter or a year may not show since ${since}`;
  return [`drift: ${counts.join(', ')}`, ...(isUnused ? [caveat] : [])];
}
