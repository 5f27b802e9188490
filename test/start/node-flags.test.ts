/** What is asked of V8, and that it is asked for before types are stripped for the first time. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NODE_FLAGS } from '../../src/node-flags.js';

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

const OLD = `
Object.defineProperty(process, 'versions', { value: { ...process.versions, napi: '9' } });
`;

/** What was told, each once, in the order of its first time. */
function told(preload: string): readonly string[] {
  const path = join(folder, 'preload.cjs');
  writeFileSync(path, preload);
  const { status, stderr } = spawnSync(process.execPath, [LAUNCHER, 'version'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: `--require=${path}` },
  });
  expect(status).toBe(0);
  return [...new Set(stderr.trimEnd().split('\n'))];
}

describe('the flags', () => {
  it('are set before the first module in TypeScript', () => {
    expect(told(WITNESS)).toEqual([...NODE_FLAGS, 'TypeScript']);
  });

  it('go with the program to another Node', () => {
    expect(told(`${OLD}${WITNESS}`)).toEqual([...NODE_FLAGS, 'TypeScript']);
  });

  it('are those of the tests', () =>
    expect(process.execArgv).toEqual(expect.arrayContaining(NODE_FLAGS)));

  it('are known to this Node', () => {
    const { status, stderr } = spawnSync(process.execPath, [...NODE_FLAGS, '--version']);
    expect([status, `${stderr}`]).toEqual([0, '']);
  });
});
