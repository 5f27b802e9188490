/** Where the control socket of the daemon is: said outright, or read from its configuration. */

import type { Command } from 'commander';

export interface ControlOptions {
  readonly control?: string;
  readonly config: string;
}

const DEFAULT_CONFIG = '/etc/dnsvalve/dnsvalve.yaml';

export function addControlOption(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration that names the control socket', DEFAULT_CONFIG)
    .option('--control <path>', 'control socket of the running resolver');
}

/**
 * Reads no more of the configuration than it needs: `status` and `reload` are asked most when the
 * rest of it is wrong, and the running resolver is the one to say what.
 *
 * @throws ProblemsError CONFIG when the file is no YAML mapping, or its `control` section is wrong
 */
export async function controlPath(options: ControlOptions): Promise<string> {
  if (options.control !== undefined) return options.control;
  const { controlSocket } = await import('./state-path.ts');
  return controlSocket(options.config);
}
