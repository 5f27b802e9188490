import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fixture } from '../history/support/fixture.ts';

it('a reader that goes away ends a command quietly', async () => {
  const test = fixture();
  // More than a pipe holds, so that the command still writes when nobody reads any more.
  test.put(Array.from({ length: 5000 }, (_, i) => ({ name: `domain-${i}.test`, allowed: 1 })));
  test.recording.close();
  const program = fileURLToPath(new URL('./support/cli.ts', import.meta.url));
  const args = [program, 'first-seen', '--limit', '0', '--db', test.path];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints = text(child.stderr);
  await once(child.stdout, 'readable');
  child.stdout.destroy();
  const [code, signal] = await once(child, 'exit');
  expect({ code, signal, stderr: await complaints }).toEqual({ code: 0, signal: null, stderr: '' });
});
