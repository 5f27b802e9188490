/**
 * `dnsvalve drift`: where the files and what happens part, and with `--patch` the change of the
 * files that brings them together again.
 */

import { type Command, Option } from 'commander';
import type { CompiledPolicy } from '../backtest/policy-files.ts';
import type { Around } from '../drift/drift.ts';
import { FINDING_KINDS } from '../drift/finding.ts';
import type { LivePolicy } from '../drift/live.ts';
import { messageOf } from '../errors.ts';
import type { CliContext } from './context.ts';
import { type DriftOptions, printDrift } from './drift-output.ts';
import { escapeText } from './escape.ts';
import { parseLimit } from './reading.ts';
import { refuseTwoForms } from './table-or-json.ts';
import { parseSince } from './time.ts';

const DEFAULT_LIMIT = 1000;

export function register(program: Command, context: CliContext): void {
  program
    .command('drift')
    .description('where the files and what happens part: unused, undeclared, not in force')
    .option('-c, --config <file>', 'configuration file', '/etc/dnsvalve/dnsvalve.yaml')
    .option('--since <time>', 'what happened since then: 30d, or a date', '30d')
    .option('--workload <name>', 'only this workload')
    .addOption(new Option('--kind <kind...>', 'only such drift').choices(FINDING_KINDS))
    .option('--patch', 'print the change of the files as a unified diff, for `patch -p1`')
    .option('--write', 'write that change into the files')
    .option('--db <path>', 'history database (default: that of the configuration)')
    .option('--control <path>', 'control socket of the running resolver')
    .option('--limit <rows>', 'rows at most; 0 for all', parseLimit, DEFAULT_LIMIT)
    .option('--utc', 'times in UTC instead of local time')
    .option('--json', 'one JSON document')
    .option('--jsonl', 'one JSON object per line')
    .option('--csv', 'CSV with a line of titles (RFC 4180)')
    .action(async (options: DriftOptions) => {
      refuseTwoForms(options);
      await run(options, context);
    });
}

async function run(options: DriftOptions, context: CliContext): Promise<void> {
  const [{ compiledPolicy }, { findDrift, kindsOf }, { openForReading }] = await Promise.all([
    import('../backtest/policy-files.ts'),
    import('../drift/drift.ts'),
    import('../history/reader.ts'),
  ]);
  const policy = await compiledPolicy(options.config);
  const nowMs = context.now();
  const sinceMs = parseSince(options.since, nowMs, options.utc === true ? 'utc' : 'local');
  const around = await aroundOf(policy, options, context);
  const db = openForReading(options.db ?? policy.config.history.path);
  try {
    const asked = { sinceMs, nowMs, workload: options.workload ?? null };
    const findings = findDrift(policy, db, { ...asked, kinds: kindsOf(options.kind) }, around);
    const evidence = { policy, db, sinceMs, nowMs };
    const proof =
      options.patch === true || options.write === true
        ? await (await import('../drift/proven.ts')).provenPatch(findings, evidence)
        : null;
    const { namesTypes } = await import('../backtest/judge.ts');
    const isTyped = namesTypes(policy.config);
    await printDrift(findings, { options, isTyped, sinceMs, proof }, context);
    if (findings.length > 0) context.setExitCode(1);
  } finally {
    db.close();
  }
}

/** @throws DnsvalveError DATABASE where there is a store of exceptions that cannot be read */
async function aroundOf(
  { config }: CompiledPolicy,
  options: DriftOptions,
  context: CliContext,
): Promise<Around> {
  const [{ ask }, { overridesPath, readOverrides }] = await Promise.all([
    import('../control/client.ts'),
    import('../overrides/read.ts'),
  ]);
  const { exceptions } = readOverrides(overridesPath(config.stateDirectory), context.now());
  try {
    const status = await ask(options.control ?? config.control.path, 'status');
    return { exceptions, live: livePolicy(status) };
  } catch (error) {
    const text = `the policy in force is not compared: ${messageOf(error)}`;
    context.stderr.write(`${escapeText(text)}\n`);
    return { exceptions, live: null };
  }
}

/** @throws where the resolver is of a version that does not say */
function livePolicy(status: unknown): LivePolicy {
  const { policy } = status as { policy?: Partial<LivePolicy> };
  if (typeof policy?.configuration === 'string') return policy as LivePolicy;
  throw new Error('the resolver does not say which files it has');
}
