/** `dnsvalve detect eval CORPUS...`: recorded traffic through the detectors, with a report. */

import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext } from './context.ts';

interface EvalFlags {
  readonly config?: string;
  readonly threshold?: number;
  readonly action?: 'alert' | 'deny';
  readonly roc?: boolean;
  readonly transform?: boolean;
  readonly cost?: boolean;
  readonly json?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const detect = program.command('detect').description('try the detectors on what was recorded');
  detect
    .command('names')
    .description('how well generated names are told from others, by family')
    .argument('<list...>', 'tables of name, label (benign or not), family and kind; also as .gz')
    .option('--json', 'as one JSON document')
    .action((lists: string[], flags: { readonly json?: boolean }) =>
      runNames(lists, flags.json === true, context),
    );
  detect
    .command('eval')
    .description('replay tables of queries and captures, and report what is found')
    .argument('<corpus...>', 'files or folders: .tsv, .pcap, .pcapng, each also as .gz')
    .option('-c, --config <file>', 'this policy; clients are told apart by their addresses')
    .option('--threshold <bytes>', 'in place of detect.tunnel.threshold', parseThreshold)
    .option('--action <action>', 'alert or deny, in place of detect.tunnel.action', parseAction)
    .option('--roc', 'what other thresholds would find, and falsely')
    .option('--transform', 'the same sessions slower, dealt over domains, in shorter names, ...')
    .option('--cost', 'nanoseconds per question')
    .option('--json', 'as one JSON document')
    .action((corpus: string[], flags: EvalFlags) => run(corpus, flags, context));
}

async function run(
  corpus: readonly string[],
  flags: EvalFlags,
  context: CliContext,
): Promise<void> {
  const [{ evaluate }, { reportText }, { safeJson, escapeText }, { titleStyle }] =
    await Promise.all([
      import('../detect/eval/evaluate.ts'),
      import('../detect/eval/report.ts'),
      import('./escape.ts'),
      import('./table.ts'),
    ]);
  const options = {
    config: flags.config ?? null,
    threshold: flags.threshold ?? null,
    action: flags.action ?? null,
    roc: flags.roc === true,
    transform: flags.transform === true,
    cost: flags.cost === true,
  };
  const note = (text: string): void => {
    context.stderr.write(`${escapeText(text)}\n`);
  };
  const evaluation = await evaluate(corpus, options, note);
  const document = { version: 1, command: 'detect eval', ...evaluation };
  context.stdout.write(
    flags.json === true ? `${safeJson(document)}\n` : reportText(evaluation, titleStyle(context)),
  );
}

async function runNames(
  lists: readonly string[],
  isJson: boolean,
  context: CliContext,
): Promise<void> {
  const [{ evaluateNames, namesReportText }, { readLines }, { safeJson }] = await Promise.all([
    import('../detect/eval-names.ts'),
    import('../detect/eval/inputs.ts'),
    import('./escape.ts'),
  ]);
  const report = evaluateNames(await readLines(lists));
  const document = { version: 1, command: 'detect names', ...report };
  const text = isJson ? safeJson(document) : namesReportText(report).join('\n');
  context.stdout.write(`${text}\n`);
}

function parseThreshold(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('give a number of bytes');
  return Number(text);
}

function parseAction(text: string): 'alert' | 'deny' {
  if (text !== 'alert' && text !== 'deny') throw new InvalidArgumentError('alert or deny');
  return text;
}
