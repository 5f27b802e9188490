/** `dnsvalve check`: all that `serve` would refuse, with places, and what it would load. */

import type { Command } from 'commander';
import type { CliContext } from './context.ts';

interface CheckOptions {
  readonly config: string;
  readonly json?: boolean;
}

export function register(program: Command, context: CliContext): void {
  program
    .command('check')
    .description('check a configuration with its zones, feeds and policy tests')
    .argument('[file]', 'configuration file')
    .option('-c, --config <file>', 'configuration file', '/etc/dnsvalve/dnsvalve.yaml')
    .option('--json', 'as one JSON document')
    .action(async (file: string | undefined, options: CheckOptions) => {
      const { ProblemsError, formatProblem } = await import('../errors.ts');
      const { snapshotOf } = await import('./snapshot-of.ts');
      const { ruleCount } = await import('../server/snapshot.ts');
      const path = file ?? options.config;
      try {
        const snapshot = await snapshotOf(path);
        const { config, compileMs, warnings } = snapshot;
        const summary = {
          version: 1,
          command: 'check',
          ok: true,
          files: config.files,
          workloads: config.workloads.length,
          rules: ruleCount(snapshot),
          zones: config.zones.length,
          feeds: config.feeds.length,
          policy_tests: config.workloads.reduce((sum, { tests }) => sum + tests.length, 0),
          compile_ms: Math.round(compileMs),
          warnings,
        };
        if (options.json !== true) {
          for (const one of warnings) context.stderr.write(`warning: ${formatProblem(one)}\n`);
        }
        context.stdout.write(
          options.json === true
            ? `${JSON.stringify(summary)}\n`
            : `${path}: ok: ${summary.workloads} workloads, ${summary.rules} rules, ` +
                `${summary.feeds} feeds, ${summary.zones} zones, ` +
                `${summary.policy_tests} policy tests\n`,
        );
      } catch (error) {
        if (!(error instanceof ProblemsError)) throw error;
        context.setExitCode(error.exitCode);
        if (options.json === true) {
          const document = { version: 1, command: 'check', ok: false, problems: error.problems };
          context.stdout.write(`${JSON.stringify(document)}\n`);
        } else {
          context.stderr.write(`${error.problems.map(formatProblem).join('\n')}\n`);
        }
      }
    });
}
