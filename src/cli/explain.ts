/** `dnsvalve explain WORKLOAD NAME`: the precedence list, with the line that decides. */

import type { Command } from 'commander';
import type { WithDetection } from '../detect/explain.ts';
import type { Step } from '../policy/explain.ts';
import type { CliContext } from './context.ts';
import { escapeText } from './escape.ts';
import { detectionFor, detectionText } from './explain-detection.ts';

interface ExplainOptions {
  readonly config: string;
  readonly type: string;
  readonly json?: boolean;
  readonly control?: string;
  readonly db?: string;
}

export function register(program: Command, context: CliContext): void {
  program
    .command('explain')
    .description('say whether a workload may resolve a name, and why')
    .argument('<workload>', 'name of a workload, a source address, or (unmapped)')
    .argument('<name>', 'domain name')
    .option('-t, --type <type>', 'query type', 'A')
    .option('-c, --config <file>', 'configuration file', '/etc/dnsvalve/dnsvalve.yaml')
    .option('--control <path>', 'control socket of the running resolver')
    .option('--db <path>', 'history database, where no resolver runs')
    .option('--json', 'as one JSON document')
    .action(async (workload: string, name: string, options: ExplainOptions) => {
      const said = await explain(workload, name, options);
      if (options.json === true) {
        const document = { version: 1, command: 'explain', ...said };
        context.stdout.write(`${JSON.stringify(document)}\n`);
      } else {
        context.stdout.write(toText(said));
      }
      if (said.verdict === 'deny') context.setExitCode(1);
    });
}

async function explain(
  asked: string,
  text: string,
  options: ExplainOptions,
): Promise<WithDetection> {
  const { DnsvalveError } = await import('../errors.ts');
  const { snapshotOf } = await import('./snapshot-of.ts');
  const { withOverrides } = await import('./overlaid.ts');
  const { explainName } = await import('../server/snapshot.ts');
  const { knownHere } = await import('./known-here.ts');
  const { findWorkload } = await import('./find-workload.ts');
  const { readName, WireName } = await import('../wire/name.ts');
  const { nameToWire, typeFromText } = await import('../wire/text.ts');
  const type = typeFromText(options.type);
  if (type === null) {
    throw new DnsvalveError('USAGE', `type "${options.type}": a mnemonic such as A, or TYPE65280`);
  }
  const wire = nameToWire(text);
  const name = new WireName();
  const compiled = withOverrides(await snapshotOf(options.config));
  // Hashed with the key of the tables, which is set by now.
  readName(wire, 0, wire.length, name);
  const snapshot = knownHere(compiled, name);
  const said = explainName(snapshot, name, type, findWorkload(snapshot, asked));
  const { withDetection } = await import('../detect/explain.ts');
  const { control, history } = snapshot.config;
  const places = {
    control: options.control ?? control.path,
    history: options.db ?? history.path,
  };
  return withDetection(said, await detectionFor(said, places));
}

function toText(said: WithDetection): string {
  const would = said.would_deny ? ' (enforce would deny)' : '';
  const lines = [
    `${said.verdict}${would}: ${said.name} ${said.type} for ${said.workload}, mode ${said.mode}`,
    ...said.steps.map(stepText),
  ];
  if (said.reputation.score < 100) {
    lines.push(`   reputation ${said.reputation.score} of 100`);
    for (const { text, value } of said.reputation.parts) lines.push(`     -${value}  ${text}`);
  }
  if (said.feed !== '')
    lines.push(`   listed by feed ${said.feed}${said.entry === '' ? '' : `, entry ${said.entry}`}`);
  if (said.budget !== '') lines.push(`   ${said.budget}: \`status\` says what is used of it`);
  if (said.rate_limit !== '') {
    lines.push(`   may ask ${said.rate_limit}: \`status\` says what was refused`);
  }
  lines.push(...detectionText(said.detection));
  if (said.ask !== '') lines.push(`   ${said.ask}`);
  if (said.request !== '') lines.push(`   to ask: ${said.request}`);
  return `${lines.map(escapeText).join('\n')}\n`;
}

function stepText(step: Step): string {
  const mark = step.matched ? '=>' : '  ';
  return `${mark} ${step.step}. ${step.name.padEnd(24)} ${outcomeOf(step)}`;
}

function outcomeOf({ matched, reached, rule }: Step): string {
  if (matched) return rule || 'decides';
  // An allow that detection took away.
  if (rule !== '') return `would allow by ${rule}`;
  return reached ? 'no match' : 'not reached';
}
