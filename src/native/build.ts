/**
 * Builds the I/O addon on demand, with plain `cc` and the headers that come with Node: no node-gyp,
 * no download, no install script. Takes well under a second.
 *
 * It never throws: a machine without a compiler runs on node:dgram and node:net, and is told so
 * once. Run directly (`node src/native/build.ts`) it prints the path of the addon, or why there is
 * none (exit status 3).
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DnsvalveError, messageOf } from '../errors.ts';

const SOURCE_DIR = import.meta.dirname;
const BUILD_DIR = join(SOURCE_DIR, '..', '..', 'build');
const BUILD_MS_MAX = 60_000;

/** Warnings are errors: the addon is small enough to have none. */
const FLAGS = [
  '-std=gnu11',
  '-O2',
  '-shared',
  '-fPIC',
  '-fvisibility=hidden',
  '-fstack-protector-strong',
  '-D_FORTIFY_SOURCE=2',
  '-Wall',
  '-Wextra',
  '-Werror',
];

/** Undefined: not tried yet. */
let built: string | null | undefined;
let problem: string | null = null;

/**
 * Path of an addon for this Node, architecture and C library, built if need be; null when that is
 * not possible, and then `addonProblem` says why. The answer is kept for the life of the thread.
 */
export function ensureAddon(): string | null {
  if (built !== undefined) return built;
  try {
    built = findOrBuild();
  } catch (thrown) {
    built = null;
    problem = `building the I/O addon: ${messageOf(thrown)}`;
  }
  return built;
}

/** Why `ensureAddon` returned null; null when it did not, or was not called. */
export function addonProblem(): string | null {
  return problem;
}

function findOrBuild(): string {
  const sources = sourceFiles();
  const name = addonName(sources);
  const fallback = join(tmpdir(), `dnsvalve-${process.getuid?.() ?? 0}`);
  const inTree = join(BUILD_DIR, name);
  if (existsSync(inTree)) return inTree;
  const elsewhere = join(fallback, name);
  if (existsSync(elsewhere)) return trusted(fallback, elsewhere);
  if (prepareDir(BUILD_DIR)) return compile(sources, BUILD_DIR, name);
  mkdirSync(fallback, { recursive: true, mode: 0o700 });
  return compile(sources, dirname(trusted(fallback, elsewhere)), name);
}

function sourceFiles(): string[] {
  const names = readdirSync(SOURCE_DIR).filter((name) => /\.[ch]$/.test(name));
  return names.sort().map((name) => join(SOURCE_DIR, name));
}

/** A name that changes whenever the addon would: another source, flag, Node, machine or libc. */
function addonName(sources: readonly string[]): string {
  const hash = createHash('sha256').update(`${process.versions.node} ${FLAGS.join(' ')}\n`);
  for (const file of sources) hash.update(readFileSync(file));
  return `dnsvalve_io-${process.arch}-${libc()}-${hash.digest('hex').slice(0, 16)}.node`;
}

function libc(): string {
  const report = process.report as { excludeNetwork?: boolean; getReport(): object };
  // Interfaces would be looked up by name, which can take seconds.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

/** Code is loaded from there, so nobody else may have been able to put it there (fail closed). */
function trusted(directory: string, path: string): string {
  const stat = lstatSync(directory);
  if (stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0) {
    return path;
  }
  throw new DnsvalveError('SYSTEM', `${directory} must be a directory of our own with mode 0700`);
}

/** False when the directory cannot be written, as under a read-only installation. */
function prepareDir(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true });
    rmSync(mkdtempSync(join(directory, '.try-')), { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** The headers of the running Node where it brings its own, else those of the npm package. */
function headerDir(): string {
  const candidates = [join(dirname(process.execPath), '..', 'include', 'node')];
  try {
    const require = createRequire(import.meta.url);
    const found = require.resolve(`node-linux-${process.arch}/package.json`);
    candidates.push(join(dirname(found), 'include', 'node'));
  } catch {
    // Optional dependency of another architecture: the other candidate may do.
  }
  const usable = candidates.find((directory) => existsSync(join(directory, 'node_api.h')));
  if (usable !== undefined) return usable;
  throw new DnsvalveError('SYSTEM', `no node_api.h in ${candidates.join(' or ')}`);
}

/** Compiles into a directory of its own and renames, so that two processes may build at once. */
function compile(sources: readonly string[], directory: string, name: string): string {
  const compiler = process.env['CC'] || 'cc';
  const work = mkdtempSync(join(directory, '.build-'));
  try {
    const output = join(work, name);
    const code = sources.filter((file) => file.endsWith('.c'));
    const args = [...FLAGS, '-isystem', headerDir(), '-o', output, ...code];
    const run = spawnSync(compiler, args, { encoding: 'utf8', timeout: BUILD_MS_MAX });
    if (run.error !== undefined) {
      throw new DnsvalveError('SYSTEM', `running ${compiler}: ${run.error.message}`, run.error);
    }
    if (run.status !== 0) {
      throw new DnsvalveError(
        'SYSTEM',
        `${compiler}: ${run.stderr.trim() || `status ${run.status}`}`,
      );
    }
    renameSync(output, join(directory, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(directory, name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = ensureAddon();
  if (path === null) process.stderr.write(`${addonProblem()}\n`);
  else process.stdout.write(`${path}\n`);
  process.exitCode = path === null ? 3 : 0;
}
