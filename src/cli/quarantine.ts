/**
 * `dnsvalve quarantine` contains a workload, or a domain for everybody, at once; `--list` says what
 * is contained. The evidence of a workload is taken after it is contained.
 */

import type { Command } from 'commander';
import { DnsvalveError } from '../errors.ts';
import { type QuarantineDocument, quarantineDocument } from '../overrides/document.ts';
import type { CliContext } from './context.ts';
import { addControlOption, type ControlOptions, controlPath } from './control-path.ts';
import { escapeText, safeJson } from './escape.ts';
import { type Column, renderTable, titleStyle } from './table.ts';
import { formatTime, type Zone } from './time.ts';

const DOCUMENT_VERSION = 1;

interface Options extends ControlOptions {
  readonly domain?: string;
  readonly for?: string;
  readonly lifeline?: string[];
  readonly reason?: string;
  readonly evidence: boolean;
  readonly list?: boolean;
  readonly all?: boolean;
  readonly utc?: boolean;
  readonly json?: boolean;
}

type Durable = QuarantineDocument & { readonly durable: boolean };
/** Why there is no bundle; null where there is one, and where nobody knows any more. */
type Secured = QuarantineDocument & { readonly failure: string | null };

/** It holds, and its evidence could not be taken. */
const UNSECURED = 1;

const collect = (value: string, earlier: string[] = []): string[] => [...earlier, value];

const COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'state' },
  { title: 'of' },
  { title: 'lifelines' },
  { title: 'ordered by' },
  { title: 'since' },
  { title: 'until' },
  { title: 'evidence' },
];

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('quarantine')
    .description('contain a workload, or a domain for everybody, at once; --list says what is')
    .argument('[workload]', 'that may resolve nothing but its lifelines')
    .option('--domain <name>', 'close this domain, and all below it, to everybody')
    .option('--for <time>', 'how long, like 4h (default: until it is released)')
    .option('--lifeline <pattern>', 'what the workload may still resolve (repeatable)', collect)
    .option('--reason <text>', 'why, for people')
    .option('--no-evidence', 'do not wait for the evidence; it is taken all the same')
    .option('--list', 'what is contained; read from the store, daemon or not')
    .option('--all', 'with --list: also what is over')
    .option('--utc', 'with --list: times in UTC instead of local time');
  addControlOption(command)
    .option('--json', 'as one JSON document')
    .action((workload: string | undefined, options: Options) =>
      options.list === true ? list(options, context) : contain(workload, options, context),
    );
}

async function contain(
  workload: string | undefined,
  options: Options,
  context: CliContext,
): Promise<void> {
  const { domain, for: time, reason, lifeline: lifelines } = options;
  const asked = { workload, domain, for: time, reason, lifelines };
  const { ask } = await import('../control/client.ts');
  const path = await controlPath(options);
  const done = (await ask(path, 'quarantine', asked)) as Durable;
  if (options.json !== true) context.stdout.write(`${escapeText(containedText(done))}\n`);
  const isAwaited = options.evidence && done.workload !== null;
  const secured = isAwaited ? await ask(path, 'quarantine-evidence', { id: done.id }) : null;
  report(done, secured as Secured | null, options, context);
  if (done.durable) return;
  const text = `${done.id}: holds, but is not on the disk; after a restart it would not`;
  throw new DnsvalveError('SYSTEM', text);
}

/** @param secured null where nobody waited for evidence */
function report(
  { durable, ...contained }: Durable,
  secured: Secured | null,
  { json }: Options,
  context: CliContext,
): void {
  const { failure, ...quarantine } = secured ?? { ...contained, failure: null };
  if (json === true) {
    const head = { version: DOCUMENT_VERSION, command: 'quarantine', durable };
    const document = { ...head, evidence_failure: failure, quarantine };
    context.stdout.write(`${safeJson(document)}\n`);
  }
  if (secured === null) return;
  if (secured.evidence === null) context.setExitCode(UNSECURED);
  if (json !== true || secured.evidence === null) context.stderr.write(evidenceText(secured));
}

function containedText({ id, workload, domain, until, lifelines }: QuarantineDocument): string {
  const end = until === null ? 'until it is released' : `until ${until}`;
  const open = lifelines.length === 0 ? '' : `; it may still resolve ${lifelines.join(', ')}`;
  return `${id}: ${workload ?? domain} is contained on all workers, ${end}${open}`;
}

function evidenceText({ id, evidence, evidence_sha256, failure }: Secured): string {
  if (evidence === null) {
    const why = failure ?? 'the log of the daemon says why';
    return `${escapeText(`${id}: holds, but no evidence could be taken: ${why}`)}\n`;
  }
  const digest = `sha256 ${evidence_sha256}: keep it where the bundle is not`;
  return `evidence: ${escapeText(evidence)}\n${digest}\n`;
}

async function list(options: Options, context: CliContext): Promise<void> {
  const [{ overridesPath, readOverrides }, { stateDirectory }] = await Promise.all([
    import('../overrides/read.ts'),
    import('./state-path.ts'),
  ]);
  const path = overridesPath(await stateDirectory(options.config));
  const { quarantines } = readOverrides(path, context.now());
  const wanted = quarantines.filter(({ state }) => options.all === true || state === 'active');
  if (options.json === true) {
    const rows = wanted.map(quarantineDocument);
    const document = { version: DOCUMENT_VERSION, command: 'quarantine list', rows };
    context.stdout.write(`${safeJson(document)}\n`);
  } else if (wanted.length > 0) {
    const zone: Zone = options.utc === true ? 'utc' : 'local';
    const rows = wanted.map((record) => [
      record.id,
      record.state,
      record.workload ?? record.pattern ?? '',
      record.lifelines.join(','),
      record.orderedBy,
      formatTime(record.sinceMs, zone),
      record.end === null ? '' : formatTime(record.end.untilMs, zone),
      record.evidence ?? '',
    ]);
    context.stdout.write(renderTable(COLUMNS, rows, titleStyle(context)));
  }
  if (wanted.length === 0) context.stderr.write('nothing is contained\n');
}
