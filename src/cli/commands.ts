/** The commands, in the order of the help. Adding one is a file here and a line in this list. */

import type { Command } from 'commander';
import type { CliContext } from './context.ts';

export interface CommandModule {
  register(program: Command, context: CliContext): void;
}

export interface CommandEntry {
  readonly name: string;
  load(): Promise<CommandModule>;
}

export const COMMANDS: readonly CommandEntry[] = [
  { name: 'serve', load: () => import('./serve.ts') },
  { name: 'check', load: () => import('./check.ts') },
  { name: 'explain', load: () => import('./explain.ts') },
  { name: 'query', load: () => import('./query.ts') },
  { name: 'status', load: () => import('./status.ts') },
  { name: 'reload', load: () => import('./reload.ts') },
  { name: 'import', load: () => import('./import.ts') },
  { name: 'history', load: () => import('./history.ts') },
  { name: 'who', load: () => import('./who.ts') },
  { name: 'first-seen', load: () => import('./first-seen.ts') },
  { name: 'workloads', load: () => import('./workloads.ts') },
  { name: 'feeds', load: () => import('./feeds.ts') },
  { name: 'detect', load: () => import('./detect.ts') },
  { name: 'exception', load: () => import('./exception.ts') },
  { name: 'quarantine', load: () => import('./quarantine.ts') },
  { name: 'release', load: () => import('./release.ts') },
  { name: 'audit', load: () => import('./audit.ts') },
  { name: 'evidence', load: () => import('./evidence.ts') },
  { name: 'alerts', load: () => import('./alerts.ts') },
  { name: 'db', load: () => import('./db.ts') },
  { name: 'version', load: () => import('./version.ts') },
];
