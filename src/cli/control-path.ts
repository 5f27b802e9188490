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

/** @throws ProblemsError CONFIG when the configuration is needed and cannot be loaded */
export async function controlPath(options: ControlOptions): Promise<string> {
  if (options.control !== undefined) return options.control;
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig(options.config).control.path;
}
