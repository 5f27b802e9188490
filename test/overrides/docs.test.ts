/** docs/exceptions.md holds what it says. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import * as exception from '../../src/cli/exception.ts';
import * as quarantine from '../../src/cli/quarantine.ts';
import * as release from '../../src/cli/release.ts';
import { load } from '../config/files.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/exceptions.md'), 'utf8');

it('opens with a configuration that loads', () => {
  const block = /^```yaml\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '';
  const config = load(block);
  expect(config.people.map(({ name }) => name)).toEqual(['alice', 'bob']);
  expect(config.exceptions.maxMs.get('prod')).toBe(86_400_000);
});

it('names every command and every option of it', () => {
  const program = new Command('dnsvalve');
  const context = {
    stdout: { write: () => {} },
    stderr: { write: () => {} },
    env: {},
    isTTY: false,
    now: () => 0,
    setExitCode: () => {},
  };
  for (const module of [exception, quarantine, release]) module.register(program, context);
  const [exceptions, ...others] = program.commands;
  const leaves = [...(exceptions?.commands ?? []), ...others];
  expect(leaves.map((command) => command.name()).filter((name) => !text.includes(name))).toEqual(
    [],
  );
  const common = new Set(['--config', '--control', '--file', '--utc']);
  const options = leaves.flatMap((command) => command.options.map(({ long }) => long ?? ''));
  expect(options.filter((option) => !common.has(option) && !text.includes(option))).toEqual([]);
});
