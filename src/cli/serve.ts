/** `dnsvalve serve`: runs the resolver until a signal ends it. */

import type { Command } from 'commander';
import type { CliContext } from './context.ts';

interface ServeOptions {
  readonly config: string;
  readonly upstream?: string[];
  readonly listen?: string[];
  readonly logLevel: string;
}

/** What it writes says who asked for what: nobody but the owner and the group may read it. */
const OTHERS = 0o027;

const collect = (value: string, earlier: string[] = []): string[] => [...earlier, value];

export function register(program: Command, _context: CliContext): void {
  program
    .command('serve')
    .description('run the resolver')
    .option('-c, --config <file>', 'configuration file', '/etc/dnsvalve/dnsvalve.yaml')
    .option('--upstream <address>', 'server instead of upstreams.default (repeatable)', collect)
    .option('--listen <address>', 'address instead of listen (repeatable)', collect)
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .action(async (options: ServeOptions) => {
      process.umask(process.umask() | OTHERS);
      const { firstBuild } = await import('../server/build.ts');
      const first = firstBuild(options.config, {
        ...(options.upstream === undefined ? {} : { upstream: options.upstream }),
        ...(options.listen === undefined ? {} : { listen: options.listen }),
      });
      const { serve } = await import('../server/serve.ts');
      await serve({ first, logLevel: options.logLevel });
    });
}
