/** `tail` as a process beside a recorder: what comes later, files that come and go, pipes that break. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { LINES_MAX } from '../../src/history/recent.ts';
import { type Fixture, fixture } from '../history/support/fixture.ts';

const PROGRAM = fileURLToPath(new URL('./support/cli.ts', import.meta.url));

function follow(path: string, ...args: string[]) {
  const child = spawn(process.execPath, [PROGRAM, 'tail', '--jsonl', '--db', path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill());
  return child;
}

/** Lines as they come. */
function linesOf(child: ChildProcess, of: 'stdout' | 'stderr'): AsyncIterator<string> {
  return createInterface({ input: child[of]! })[Symbol.asyncIterator]();
}

async function nameOf(lines: AsyncIterator<string>): Promise<string> {
  const { value } = await lines.next();
  return (JSON.parse(value) as { name: string }).name;
}

function ask(test: Fixture, ...names: string[]): void {
  for (const name of names) {
    test.put([
      { name, allowed: 1 },
      { name, allowed: 1, kind: KIND_NAME },
    ]);
  }
  test.recording.flush();
}

it('shows what comes after it began, also from a file that was begun anew', async () => {
  const test = fixture();
  ask(test, 'one.test');
  const child = follow(test.path);
  const lines = linesOf(child, 'stdout');
  const notes = linesOf(child, 'stderr');
  expect(await nameOf(lines)).toBe('one.test');
  ask(test, 'two.test', 'three.test');
  expect([await nameOf(lines), await nameOf(lines)]).toEqual(['two.test', 'three.test']);
  test.recording.close();
  renameSync(test.path, `${test.path}.aside`);
  expect((await notes.next()).value).toContain('no such file');
  ask(fixture({ path: test.path }), 'four.test');
  expect(await nameOf(lines)).toBe('four.test');
});

it('says how many lines were more than are kept', async () => {
  const test = fixture({ namesPerDomain: 0 });
  ask(test, 'one.test');
  const child = follow(test.path);
  await nameOf(linesOf(child, 'stdout'));
  for (let i = 0; i < LINES_MAX + 20; i++) test.put([{ name: `n${i}.test`, allowed: 1 }]);
  test.recording.flush();
  expect((await linesOf(child, 'stderr').next()).value).toMatch(/^20 lines were left out/);
});

it('ends quietly when nobody reads any more', async () => {
  const test = fixture();
  ask(test, 'one.test');
  const child = follow(test.path);
  const complaints = text(child.stderr);
  await once(child.stdout, 'readable');
  child.stdout.destroy();
  ask(test, 'two.test');
  const [code, signal] = await once(child, 'exit');
  expect({ code, signal, stderr: await complaints }).toEqual({ code: 0, signal: null, stderr: '' });
});
