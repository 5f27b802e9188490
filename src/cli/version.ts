/** `dnsvalve version`: the program, its runtime, and how old its public suffix list is. */

import { createRequire } from 'node:module';
import type { Command } from 'commander';
import type { CliContext } from './context.ts';

export function register(program: Command, context: CliContext): void {
  program
    .command('version')
    .description('print versions')
    .option('--json', 'as one JSON document')
    .action(async (options: { json?: boolean }) => {
      const { chooseBackend } = await import('../native/udp.ts');
      const require = createRequire(import.meta.url);
      const versionOf = (name: string): string =>
        (require(`${name}/package.json`) as { version: string }).version;
      const { backend, reason } = chooseBackend();
      const versions = {
        version: 1,
        dnsvalve: (require('../../package.json') as { version: string }).version,
        node: process.versions.node,
        io: backend,
        io_reason: reason,
        public_suffix_list: `tldts ${versionOf('tldts')}`,
        better_sqlite3: versionOf('better-sqlite3'),
      };
      context.stdout.write(
        options.json === true ? `${JSON.stringify(versions)}\n` : text(versions),
      );
    });
}

function text(versions: Readonly<Record<string, unknown>>): string {
  return Object.entries(versions)
    .filter(([key, value]) => key !== 'version' && value !== null)
    .map(([key, value]) => `${key.padEnd(20)}${String(value)}\n`)
    .join('');
}
