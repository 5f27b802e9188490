/** `dnsvalve status`: what the running resolver has loaded, counts and lacks. */

import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { addControlOption, type ControlOptions, controlPath } from './control-path.ts';

export function register(program: Command, context: CliContext): void {
  addControlOption(program.command('status').description('show the state of the running resolver'))
    .option('--json', 'as one JSON document')
    .action(async (options: ControlOptions & { json?: boolean }) => {
      const { ask } = await import('../control/client.ts');
      const status = await ask(await controlPath(options), 'status');
      if (options.json === true) {
        context.stdout.write(`${JSON.stringify(status)}\n`);
        return;
      }
      const { statusText } = await import('./status-text.ts');
      context.stdout.write(statusText(status as Parameters<typeof statusText>[0]));
    });
}
