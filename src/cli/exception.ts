/**
 * `dnsvalve exception`: openings that people ask for, approve and end. What changes something asks
 * the daemon, which knows who is asking; `list` and `show` read the store, daemon or not.
 */

import type { Command } from 'commander';
import { DnsvalveError } from '../errors.ts';
import type { ExceptionDocument } from '../overrides/document.ts';
import type { CliContext } from './context.ts';
import { addControlOption, type ControlOptions, controlPath } from './control-path.ts';
import { escapeText, safeJson } from './escape.ts';
import type { ListOptions, ShowOptions } from './exception-list.ts';

/** Version of the JSON documents: raised when a field changes its meaning or goes. */
const DOCUMENT_VERSION = 1;
const DEFAULT_CONFIG = '/etc/dnsvalve/dnsvalve.yaml';

interface ActOptions extends ControlOptions {
  readonly json?: boolean;
}

interface RequestOptions extends ActOptions {
  readonly for: string;
  readonly reason: string;
  readonly ticket?: string;
  readonly types?: string;
  readonly now?: boolean;
  readonly overrideFeeds?: boolean;
}

type Durable = ExceptionDocument & { readonly durable: boolean };

export function register(program: Command, context: CliContext): void {
  const exception = program
    .command('exception')
    .description('openings with an end: ask for one, approve it, end it, see what is open');
  addRequest(exception, context);
  addDecisions(exception, context);
  addReading(exception, context);
}

function addRequest(exception: Command, context: CliContext): void {
  const command = exception
    .command('request')
    .description('ask for names to be opened to a workload')
    .argument('<workload>', 'that is to resolve them')
    .argument('<pattern>', 'host.example, *.host.example (below it) or .host.example (both)')
    .requiredOption('--for <time>', 'how long, like 30m or 4h')
    .requiredOption('--reason <text>', 'why, for people')
    .option('--ticket <text>', 'where it is discussed')
    .option('--types <types>', 'only these record types, like A,AAAA')
    .option('--override-feeds', 'also what everyone.deny or a feed denies')
    .option('--now', 'open at once; closes soon unless somebody approves it');
  act(command).action(
    (workload: string, pattern: string, { json, config, control, ...asked }: RequestOptions) => {
      const { overrideFeeds, ...rest } = asked;
      const feeds = overrideFeeds === true ? { override_feeds: true } : {};
      const question = { workload, pattern, ...rest, ...feeds };
      const options = { config, ...(json && { json }), ...(control !== undefined && { control }) };
      return run('exception-request', question, options, context);
    },
  );
}

const DECISIONS = [
  ['approve', 'let it be opened: by an approver who did not ask for it'],
  ['reject', 'answer a request with no'],
  ['revoke', 'close it now, or take a request back'],
] as const;

function addDecisions(exception: Command, context: CliContext): void {
  for (const [name, description] of DECISIONS) {
    const command = exception.command(name).description(description).argument('<id>', 'like ex-17');
    act(command).action((id: string, options: ActOptions) =>
      run(`exception-${name}`, { id }, options, context),
    );
  }
  const extend = exception
    .command('extend')
    .description('give it another end, counted from now')
    .argument('<id>', 'like ex-17')
    .requiredOption('--for <time>', 'how long from now, like 30m or 4h');
  act(extend).action((id: string, options: ActOptions & { readonly for: string }) =>
    run('exception-extend', { id, for: options.for }, options, context),
  );
}

function addReading(exception: Command, context: CliContext): void {
  const reading = (command: Command): Command =>
    command
      .option('-c, --config <file>', 'configuration that names the state directory', DEFAULT_CONFIG)
      .option('--file <path>', 'the store itself, as a copy of it')
      .option('--utc', 'times in UTC instead of local time')
      .option('--json', 'one JSON document');
  reading(exception.command('list').description('requests, and what is open'))
    .option('--workload <name>', 'only of this workload')
    .option('--all', 'also what is over')
    .option('--unused', 'only what is open and was never used')
    .option('--ends-within <time>', 'only what is open and ends within this time, like 1h')
    .option('--jsonl', 'one JSON object per line')
    .action(async (options: ListOptions) => {
      const { listExceptions } = await import('./exception-list.ts');
      await listExceptions(options, context);
    });
  reading(exception.command('show').description('one exception or quarantine, and its history'))
    .argument('<id>', 'like ex-17 or q-4')
    .action(async (id: string, options: ShowOptions) => {
      const { showOne } = await import('./exception-list.ts');
      await showOne(id, options, context);
    });
}

function act(command: Command): Command {
  return addControlOption(command).option('--json', 'as one JSON document');
}

async function run(
  command: string,
  question: Readonly<Record<string, unknown>>,
  options: ActOptions,
  context: CliContext,
): Promise<void> {
  const { ask } = await import('../control/client.ts');
  const done = (await ask(await controlPath(options), command, question)) as Durable;
  if (options.json === true) {
    const { durable, ...exception } = done;
    const document = { version: DOCUMENT_VERSION, command, durable, exception };
    context.stdout.write(`${safeJson(document)}\n`);
  } else {
    context.stdout.write(`${escapeText(outcomeText(done))}\n`);
  }
  if (done.durable) return;
  const text = `${done.id}: holds, but is not on the disk; after a restart it would not`;
  throw new DnsvalveError('SYSTEM', text);
}

function outcomeText(done: ExceptionDocument): string {
  const { id, state, workload, pattern, until, approver, approve_by } = done;
  const what = `${id} ${state}: ${workload} ${pattern}`;
  if (state === 'requested') {
    return `${what}; an approver says: dnsvalve exception approve ${id} (until ${approve_by})`;
  }
  if (state !== 'active') return what;
  const open = `${what}, open until ${until} on all workers`;
  return approver === null ? `${open}; closes then unless somebody approves it` : open;
}
