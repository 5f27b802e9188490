import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

it.each([['version'], ['--version'], ['-V']])('%s says what runs', (word) => {
  const { status, stdout } = spawnSync(process.execPath, [MAIN, word, '--json'], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  const { node } = process.versions;
  expect(JSON.parse(stdout)).toMatchObject({ dnsvalve: expect.stringMatching(/^\d+\./), node });
});
