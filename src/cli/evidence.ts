/**
 * `dnsvalve evidence export` writes what is known about a workload to one bundle; `evidence verify`
 * says whether a bundle, or the audit log, is as it was written. Neither needs the daemon.
 */

import type { Command } from 'commander';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { Exported } from '../evidence/export.ts';
import type { Verified } from '../evidence/verify.ts';
import type { CliContext } from './context.ts';
import { escapeText, safeJson } from './escape.ts';
import { parseSince } from './time.ts';

const DEFAULT_CONFIG = '/etc/dnsvalve/dnsvalve.yaml';
const DOCUMENT_VERSION = 1;
/** Findings that are printed; one damaged place of a file has few. */
const FINDINGS_SHOWN = 20;

interface ExportOptions {
  readonly workload: string;
  readonly since: string;
  readonly until?: string;
  readonly output?: string;
  readonly config?: string;
  readonly db?: string;
}

interface VerifyOptions {
  readonly digest?: string;
  readonly json?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const evidence = program
    .command('evidence')
    .description('bundles of evidence, and whether they are as they were written');
  evidence
    .command('export')
    .description('write all that is known about a workload to one file')
    .requiredOption('--workload <name>', 'about this workload')
    .requiredOption('--since <time>', 'a duration back from now (7d) or a date (2026-03-01)')
    .option('--until <time>', 'the end of the window, in the same forms (default: now)')
    .option('-o, --output <file>', 'a new file (default: standard output)')
    .option('-c, --config <path>', `configuration (default: ${DEFAULT_CONFIG})`)
    .option('--db <path>', 'history database; without --config nothing else is exported')
    .action((options: ExportOptions) => runExport(options, context));
  evidence
    .command('verify')
    .description('check a bundle or an audit log')
    .argument('<file>', 'the bundle, or the log')
    .option('--digest <sha256>', 'that was noted when it was written')
    .option('--json', 'one JSON document')
    .action((file: string, options: VerifyOptions) => runVerify(file, options, context));
}

async function runExport(options: ExportOptions, context: CliContext): Promise<void> {
  const now = context.now();
  // Dates are in UTC: a bundle must not depend on where it was asked for.
  const sinceMs = parseSince(options.since, now, 'utc');
  const untilMs = options.until === undefined ? now : parseSince(options.until, now, 'utc');
  if (untilMs < sinceMs) throw new DnsvalveError('USAGE', '--until: it is before --since');
  const [{ openForReading }, { exportBundle }, { intoFile }, { loadConfig }] = await Promise.all([
    import('../history/reader.ts'),
    import('../evidence/export.ts'),
    import('../evidence/file.ts'),
    import('../config/load.ts'),
  ]);
  const isConfigured = options.config !== undefined || options.db === undefined;
  const config = isConfigured ? loadConfig(options.config ?? DEFAULT_CONFIG) : null;
  const db = openForReading(options.db ?? config?.history.path ?? '');
  try {
    const { workload, output } = options;
    const window = { sinceMs, untilMs };
    const run = (write: (text: string) => void): Promise<Exported> =>
      exportBundle({ db, config }, workload, window, write);
    const exported =
      output === undefined
        ? await run((text) => context.stdout.write(text))
        : await intoFile(output, run);
    context.stderr.write(summary(exported));
  } finally {
    db.close();
  }
}

function summary({ sha256, parts }: Exported): string {
  const counts = parts.filter(({ rows }) => rows > 0).map(({ part, rows }) => `${part} ${rows}`);
  return `rows: ${counts.join(', ')}\nsha256 ${sha256}: keep it where the bundle is not\n`;
}

async function runVerify(file: string, options: VerifyOptions, context: CliContext): Promise<void> {
  const { verify } = await import('../evidence/verify.ts');
  const { isDigest } = await import('../seal.ts');
  const { digest = null } = options;
  if (digest !== null && !isDigest(digest)) {
    throw new DnsvalveError('USAGE', '--digest: give 64 lower case hexadecimal digits');
  }
  const verified = readable(file, () => verify(file, digest));
  if (options.json === true) {
    const document = { version: DOCUMENT_VERSION, command: 'evidence verify', file, ...verified };
    context.stdout.write(`${safeJson(document)}\n`);
  } else {
    context.stdout.write(verdict(file, verified));
  }
  if (verified.findings.length > 0) context.setExitCode(1);
}

function readable<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new DnsvalveError('USAGE', `${file}: ${messageOf(error)}`, error);
  }
}

const KINDS = { bundle: 'evidence bundle', audit: 'audit log', unknown: 'unknown' } as const;

function verdict(file: string, { kind, rows, sha256, findings, notes }: Verified): string {
  const more = findings.length - FINDINGS_SHOWN;
  const lines = [
    `${escapeText(file)}: ${KINDS[kind]}, ${findings.length === 0 ? 'whole' : 'NOT WHOLE'}`,
    ...findings.slice(0, FINDINGS_SHOWN).map((finding) => `  ${escapeText(finding)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...notes.map((note) => `  note: ${escapeText(note)}`),
    ...(sha256 === null ? [] : [`  rows ${rows}, sha256 ${sha256}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
