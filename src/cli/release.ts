/** `dnsvalve release`: ends a quarantine. */

import type { Command } from 'commander';
import type { QuarantineDocument } from '../overrides/document.ts';
import type { CliContext } from './context.ts';
import { addControlOption, type ControlOptions, controlPath } from './control-path.ts';
import { escapeText, safeJson } from './escape.ts';

const DOCUMENT_VERSION = 1;

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('release')
    .description('end a quarantine')
    .argument('<what>', 'its id (q-4), or the workload or domain that it holds');
  addControlOption(command)
    .option('--json', 'as one JSON document')
    .action(async (what: string, options: ControlOptions & { readonly json?: boolean }) => {
      const { ask } = await import('../control/client.ts');
      const path = await controlPath(options);
      const { durable: _, ...quarantine } = (await ask(path, 'release', {
        id: what,
      })) as QuarantineDocument & { readonly durable: boolean };
      const { id, workload, domain } = quarantine;
      const document = { version: DOCUMENT_VERSION, command: 'release', quarantine };
      const text = `${id}: ${workload ?? domain} is released on all workers`;
      context.stdout.write(`${options.json === true ? safeJson(document) : escapeText(text)}\n`);
    });
}
