/**
 * Configurations for tests: texts become files of a fresh directory, problems come back as lines
 * without that directory.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type LoadOptions, loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';
import { ProblemsError } from '../../src/errors.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Runs `use` in a directory with `files`, and removes it. */
export function withFiles<T>(files: Files, use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-config-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), content);
    }
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Loads `main.yaml`; `~` in paths of the result stands for its directory. */
export function load(main: string, files: Files = {}, options: LoadOptions = {}): Config {
  return withFiles({ 'main.yaml': main, ...files }, (directory) =>
    loadConfig(join(directory, 'main.yaml'), options),
  );
}

/** Problem lines of a load that must fail, with the directory cut off. */
export function problems(
  main: string | Uint8Array,
  files: Files = {},
  options: LoadOptions = {},
): string[] {
  return withFiles({ 'main.yaml': main, ...files }, (directory) => {
    try {
      loadConfig(join(directory, 'main.yaml'), options);
    } catch (error) {
      if (!(error instanceof ProblemsError)) throw error;
      return error.message.replaceAll(`${directory}/`, '').split('\n');
    }
    return [];
  });
}
