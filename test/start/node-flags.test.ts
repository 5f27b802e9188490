/** What is asked of V8, and that it is asked for before types are stripped for the first time. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { THREAD_FLAGS } from '../../src/node-flags.js';

const LAUNCHER = join(import.meta.dirname, '../../src/dnsvalve.js');
const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Tells what a process was started with, each flag that it sets, and each module in TypeScript. */
const WITNESS = `
const v8 = require('node:v8');
const { registerHooks, syncBuiltinESMExports } = require('node:module');
const tell = (what) => process.stderr.write(what + '\\n');
const setFlags = v8.setFlagsFromString;
v8.setFlagsFromString = (flags) => { tell(flags); setFlags(flags); };
syncBuiltinESMExports();
for (const flag of process.execArgv) tell(flag);
registerHooks({
  load(url, context, next) {
    if (url.endsWith('.ts')) tell('TypeScript');
    return next(url, context);
  },
});
`;

const WORDS: readonly string[] = [...THREAD_FLAGS, 'TypeScript'];
/** It ends at once, for want of a configuration. */
const SERVE = ['serve', '--config', join(folder, 'none.yaml')];

const OLD = `
Object.defineProperty(process, 'versions', { value: { ...process.versions, napi: '9' } });
`;

/** What a command told, each once, in the order of its first time. */
function told(preload: string, ...command: readonly string[]): readonly string[] {
  const path = join(folder, 'preload.cjs');
  writeFileSync(path, preload);
  const { stderr } = spawnSync(process.execPath, [LAUNCHER, ...command], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: `--require=${path}` },
  });
  return [...new Set(stderr.split('\n'))].filter((line) => WORDS.includes(line));
}

describe('the flags', () => {
  it('are set before the first module in TypeScript where there will be threads', () => {
    expect(told(WITNESS, ...SERVE)).toEqual(WORDS);
  });

  it('go with the program to another Node', () => {
    expect(told(`${OLD}${WITNESS}`, ...SERVE)).toEqual(WORDS);
  });

  it('are not set for other commands, which start faster without', () => {
    expect(told(WITNESS, 'version')).toEqual(['TypeScript']);
    expect(told(`${OLD}${WITNESS}`, 'version')).toEqual(['TypeScript']);
  });

  it('are those of the tests', () =>
    expect(process.execArgv).toEqual(expect.arrayContaining(THREAD_FLAGS)));

  it('are known to this Node', () => {
    const { status, stderr } = spawnSync(process.execPath, [...THREAD_FLAGS, '--version']);
    expect([status, `${stderr}`]).toEqual([0, '']);
  });
});
