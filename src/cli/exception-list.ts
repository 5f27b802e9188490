/** `dnsvalve exception list` and `show`: reads the store, also while the daemon is down. */

import { parseDuration } from '../config/units.ts';
import { DnsvalveError } from '../errors.ts';
import {
  exceptionDocument,
  quarantineDocument,
  transitionDocument,
} from '../overrides/document.ts';
import { overridesPath, readOverrides, readTransitions } from '../overrides/read.ts';
import { type ExceptionRecord, isOpen, isStanding } from '../overrides/records.ts';
import { typeToText } from '../wire/text.ts';
import type { CliContext } from './context.ts';
import { escapeText, safeJson } from './escape.ts';
import { stateDirectory } from './state-path.ts';
import { type Column, renderTable, titleStyle } from './table.ts';
import { formatTime, type Zone } from './time.ts';

const DOCUMENT_VERSION = 1;
/** What was extended so often is a habit: it belongs into the policy. */
const HABIT = 3;
/** What ends so soon may take its users by surprise. */
const SOON_MS = 3_600_000;

interface StoreOptions {
  readonly config: string;
  readonly file?: string;
  readonly utc?: boolean;
  readonly json?: boolean;
}

export interface ListOptions extends StoreOptions {
  readonly workload?: string;
  readonly all?: boolean;
  readonly unused?: boolean;
  readonly endsWithin?: string;
  readonly jsonl?: boolean;
}

export type ShowOptions = StoreOptions;

const COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'state' },
  { title: 'workload' },
  { title: 'pattern' },
  { title: 'types' },
  { title: 'requester' },
  { title: 'approver' },
  { title: 'until' },
  { title: 'queries', align: 'right' },
  { title: 'last used' },
  { title: 'renewed', align: 'right' },
  { title: 'note' },
];

export async function listExceptions(options: ListOptions, context: CliContext): Promise<void> {
  if (options.json === true && options.jsonl === true) {
    throw new DnsvalveError('USAGE', '--json and --jsonl: give one of them');
  }
  const nowMs = context.now();
  const { exceptions } = readOverrides(await storePath(options), nowMs);
  const wanted = exceptions.filter((record) => isWanted(record, options, nowMs));
  const { stdout } = context;
  if (options.json === true) {
    const rows = wanted.map(exceptionDocument);
    const document = { version: DOCUMENT_VERSION, command: 'exception list', rows };
    stdout.write(`${safeJson(document)}\n`);
  } else if (options.jsonl === true) {
    stdout.write(wanted.map((record) => `${safeJson(exceptionDocument(record))}\n`).join(''));
  } else if (wanted.length > 0) {
    const zone: Zone = options.utc === true ? 'utc' : 'local';
    const rows = wanted.map((record) => cellsOf(record, zone, nowMs));
    stdout.write(renderTable(COLUMNS, rows, titleStyle(context)));
  }
  if (wanted.length === 0) context.stderr.write('nothing found\n');
}

function isWanted(record: ExceptionRecord, options: ListOptions, nowMs: number): boolean {
  const { workload, all, unused, endsWithin } = options;
  if (workload !== undefined && record.workload !== workload) return false;
  const isRunning = isStanding(record);
  if (unused === true && !(isRunning && record.queries === 0)) return false;
  if (endsWithin !== undefined) {
    const withinMs = parseDuration(endsWithin);
    if (withinMs === null) throw new DnsvalveError('USAGE', '--ends-within: like 30m or 4h');
    return isRunning && (record.end?.untilMs ?? 0) <= nowMs + withinMs;
  }
  return all === true || isOpen(record);
}

function cellsOf(record: ExceptionRecord, zone: Zone, nowMs: number): string[] {
  const time = (ms: number | null): string => (ms === null ? '' : formatTime(ms, zone));
  return [
    record.id,
    record.state,
    record.workload,
    record.pattern,
    record.types?.map(typeToText).join(',') ?? '',
    record.requester,
    record.approver ?? '',
    time(record.end?.untilMs ?? null),
    String(record.queries),
    time(record.lastUseMs),
    String(record.renewals),
    notesOf(record, nowMs).join(', '),
  ];
}

/** What somebody who looks at the list should do something about. */
function notesOf(record: ExceptionRecord, nowMs: number): string[] {
  const notes: string[] = [];
  if (record.overridesFeeds) notes.push('above feeds');
  if (!isStanding(record)) return notes;
  if (record.approver === null) notes.push('not approved');
  if (record.queries === 0) notes.push('unused');
  if ((record.end?.untilMs ?? 0) - nowMs <= SOON_MS) notes.push('ends soon');
  if (record.renewals >= HABIT) notes.push('renewed often');
  return notes;
}

/** @throws DnsvalveError USAGE for an id that the store has not */
export async function showOne(
  id: string,
  options: ShowOptions,
  context: CliContext,
): Promise<void> {
  const path = await storePath(options);
  const { exceptions, quarantines } = readOverrides(path, context.now());
  const exception = exceptions.find((record) => record.id === id);
  const quarantine = quarantines.find((record) => record.id === id);
  if (exception === undefined && quarantine === undefined) {
    throw new DnsvalveError('USAGE', `"${id}": there is none; give ex-N or q-N`);
  }
  const document =
    exception === undefined
      ? quarantine === undefined
        ? {}
        : quarantineDocument(quarantine)
      : exceptionDocument(exception);
  const steps = readTransitions(path, id).map(transitionDocument);
  if (options.json === true) {
    const all = { version: DOCUMENT_VERSION, command: 'exception show', ...document, steps };
    context.stdout.write(`${safeJson(all)}\n`);
    return;
  }
  const lines = Object.entries(document).map(([key, value]) => `${key}: ${shown(value)}`);
  const life = steps.map(({ time, act, to, actor, note }) => {
    return `  ${time} ${act} by ${actor}: ${to}${note === '' ? '' : ` (${note})`}`;
  });
  const text = [...lines, 'steps:', ...life].map((line) => `${escapeText(line)}\n`).join('');
  context.stdout.write(text);
}

function shown(value: unknown): string {
  if (value === null) return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(', ');
  return String(value);
}

async function storePath({ file, config }: StoreOptions): Promise<string> {
  return file ?? overridesPath(await stateDirectory(config));
}
