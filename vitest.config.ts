import { defineConfig } from 'vitest/config';
import { THREAD_FLAGS } from './src/node-flags.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    execArgv: THREAD_FLAGS,
    maxWorkers: 2,
    // Servers of the distribution stand there, and not every user's PATH has it.
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
