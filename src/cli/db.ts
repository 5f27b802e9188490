/** `dnsvalve db check`, `db backup FILE`, `db vacuum`: care of the history database. */

import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { escapeText, safeJson } from './escape.ts';
import { databasePath } from './reading.ts';

const DOCUMENT_VERSION = 1;
const BROKEN = 1;

interface DbOptions {
  readonly db?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const group = program.command('db').description('care of the history database');
  withFile(group.command('check').description('whether the file is whole; reads all of it')).action(
    (options: DbOptions) => check(options, context),
  );
  withFile(group.command('backup').description('a copy, also while the daemon writes'))
    .argument('<file>', 'where the copy goes; must not be there')
    .action((file: string, options: DbOptions) => backup(file, options, context));
  withFile(group.command('vacuum').description('gives free pages back to the disk')).action(
    (options: DbOptions) => vacuumFile(options, context),
  );
}

function withFile(command: Command): Command {
  return command
    .option('--db <path>', 'history database (default: ./data/history.db)')
    .option('-c, --config <path>', 'take the database path from this configuration')
    .option('--json', 'one JSON document');
}

async function check(options: DbOptions, context: CliContext): Promise<void> {
  const path = await databasePath(options);
  const { openForReading } = await import('../history/reader.ts');
  const { problemsOf } = await import('../history/care.ts');
  const db = openForReading(path);
  try {
    const problems = problemsOf(db);
    const text =
      problems.length === 0 ? 'whole' : `broken\n${problems.map((line) => `  ${line}`).join('\n')}`;
    print(context, options, { path, problems }, `${path}: ${text}`);
    if (problems.length > 0) context.setExitCode(BROKEN);
  } finally {
    db.close();
  }
}

async function backup(file: string, options: DbOptions, context: CliContext): Promise<void> {
  const path = await databasePath(options);
  const { openForReading } = await import('../history/reader.ts');
  const { backUp } = await import('../history/care.ts');
  const db = openForReading(path);
  try {
    const octets = await backUp(db, file);
    print(context, options, { path, file, octets }, `${path}: ${octets} octets in ${file}`);
  } finally {
    db.close();
  }
}

async function vacuumFile(options: DbOptions, context: CliContext): Promise<void> {
  const path = await databasePath(options);
  const { vacuum } = await import('../history/vacuum.ts');
  const done = await vacuum(path);
  const { how, octetsBefore, octetsAfter, steps, longestMs } = done;
  const longest = `the longest ${longestMs.toFixed(1)} ms`;
  const way = how === 'whole' ? 'as a whole' : `in ${steps} steps, ${longest}`;
  const text = `${path}: ${octetsBefore} octets, now ${octetsAfter}, ${way}`;
  print(context, options, { path, ...done }, text);
}

function print(context: CliContext, options: DbOptions, document: object, text: string): void {
  const body =
    options.json === true
      ? safeJson({ version: DOCUMENT_VERSION, command: 'db', ...document })
      : text.split('\n').map(escapeText).join('\n');
  context.stdout.write(`${body}\n`);
}
