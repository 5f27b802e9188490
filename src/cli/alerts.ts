/** `dnsvalve alerts test`: whether each sink of the running resolver takes alerts, or why not. */

import type { Command } from 'commander';
import type { AlertsTrial } from '../control/alerts-test.ts';
import type { CliContext } from './context.ts';
import { addControlOption, type ControlOptions, controlPath } from './control-path.ts';
import { escapeText, safeJson } from './escape.ts';
import { renderTable, titleStyle } from './table.ts';

/** Version of the JSON document: raised when a field changes its meaning or goes. */
const DOCUMENT_VERSION = 1;

type Options = ControlOptions & { readonly json?: boolean };

export function register(program: Command, context: CliContext): void {
  const alerts = program.command('alerts').description('what the running resolver tells people');
  addControlOption(
    alerts.command('test').description('send one alert through every sink and say how it went'),
  )
    .option('--json', 'as one JSON document')
    .action(async (options: Options) => {
      const { ask } = await import('../control/client.ts');
      const trial = (await ask(await controlPath(options), 'alerts-test')) as AlertsTrial;
      print(trial, options, context);
      if (trial.sinks.some(({ ok }) => !ok)) context.setExitCode(1);
    });
}

function print({ id, sinks }: AlertsTrial, options: Options, context: CliContext): void {
  if (options.json === true) {
    context.stdout.write(`${safeJson({ version: DOCUMENT_VERSION, id, sinks })}\n`);
    return;
  }
  if (sinks.length === 0) {
    context.stderr.write('no sinks are configured: alerts go nowhere\n');
    return;
  }
  const rows = sinks.map(({ name, ok, reason }) => [name, ok ? 'ok' : 'failed', reason ?? '']);
  const columns = ['sink', 'result', 'reason'].map((title) => ({ title }));
  context.stdout.write(renderTable(columns, rows, titleStyle(context)));
  context.stderr.write(`sent as ${escapeText(id)}\n`);
}
