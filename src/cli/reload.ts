/**
 * `dnsvalve reload`: makes the running resolver read its configuration anew; waits for the outcome.
 */

import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { addControlOption, type ControlOptions, controlPath } from './control-path.ts';

export function register(program: Command, context: CliContext): void {
  addControlOption(
    program.command('reload').description('reload the configuration of the running resolver'),
  ).action(async (options: ControlOptions) => {
    const { ask } = await import('../control/client.ts');
    const result = (await ask(await controlPath(options), 'reload')) as { revision: number };
    context.stdout.write(`revision ${result.revision} is in use by all workers\n`);
  });
}
