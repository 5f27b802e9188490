#!/usr/bin/env node
/**
 * The launcher: finds a Node that can run the program, and says in one line when there is none.
 *
 * Plain JavaScript that an old Node reads too: better-sqlite3 ends the process without a word on a
 * Node below Node-API 10, so the version is checked before anything is imported. The pinned Node of
 * the node-linux-* packages is used when the one that was found is too old.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { cacheDirectory } from './compile-cache.js';
import { nodeFlags } from './node-flags.js';

const NAPI_NEEDED = 10;
const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, 'main.ts');
const flags = nodeFlags(process.argv[2]);

function isNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const stripsTypes = major > 22 || (major === 22 && minor >= 18);
  return Number(process.versions.napi) >= NAPI_NEEDED && stripsTypes;
}

function pinnedNode() {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve(`node-linux-${process.arch}/package.json`);
    const node = join(dirname(manifest), 'bin', 'node');
    return existsSync(node) ? node : null;
  } catch {
    return null;
  }
}

/** Runs the program under another Node; signals and the exit status pass through. */
function runUnder(node) {
  const child = spawn(node, [...flags, main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === 'SIGKILL' ? 9 : 15);
  });
}

/**
 * Before the first module is stripped and compiled. The variable is how threads, and a child under
 * another Node, get to know; whoever set it already knows better.
 */
function useCompileCache() {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return;
  const directory = cacheDirectory();
  if (directory === null) return;
  process.env['NODE_COMPILE_CACHE'] = directory;
  module.enableCompileCache?.(directory);
}

useCompileCache();
if (isNewEnough()) {
  for (const flag of flags) setFlagsFromString(flag);
  await import('./main.ts');
} else {
  const node = pinnedNode();
  if (node === null) {
    process.stderr.write(
      `dnsvalve needs Node 24 (this is ${process.version}); install with optional packages, ` +
        `or run it with a newer node\n`,
    );
    process.exitCode = 2;
  } else {
    runUnder(node);
  }
}
