/**
 * The addon's C under AddressSanitizer and UndefinedBehaviorSanitizer: its kernel side as a fuzz
 * target of its own, and the whole of it loaded by a running valve. As a program, as long as one
 * likes:
 *
 * ```
 * node test/sanitise/sanitise.ts [--runs N] [--udp N] [--tcp N] [--seed N]
 * ```
 */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Result, runCampaign } from '../fuzz/campaign.ts';

const ROOT = join(import.meta.dirname, '../..');
const NATIVE = join(ROOT, 'src/native');
const FATAL = ['-fno-sanitize-recover=undefined', '-g', '-fno-omit-frame-pointer'];
/** Calls whose answers the fuzz target makes up. */
const KERNEL = [
  ...['close', 'recvmmsg', 'sendmmsg', 'recv', 'send', 'accept4', 'epoll_create1', 'epoll_ctl'],
  ...['epoll_wait', 'socket', 'setsockopt', 'bind', 'connect', 'listen', 'getsockname'],
];

function run(command: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${command} ended with ${status}:\n${(stdout + stderr).slice(-6000)}`);
  return stdout + stderr;
}

export function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-sanitise-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Builds the target with clang and runs it.
 *
 * @param native folder of the C files
 * @returns what it said; its last line has the number of runs
 * @throws Error with the report of a sanitizer, or of a promise that was broken
 */
export function fuzzNative(folder: string, runs: number, seed: number, native = NATIVE): string {
  const target = join(folder, 'fuzz_native');
  const sources = ['packets.c', 'streams.c', 'sockets.c'].map((name) => join(native, name));
  const wraps = KERNEL.map((name) => `-Wl,--wrap=${name}`);
  const flags = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-fsanitize=fuzzer,address,undefined'];
  const own = join(import.meta.dirname, 'fuzz_native.c');
  run('clang', [...flags, ...FATAL, ...wraps, '-o', target, own, ...sources]);
  const limits = ['-max_len=2048', '-len_control=0', '-timeout=10', '-verbosity=1'];
  return run(target, [`-runs=${runs}`, `-seed=${seed}`, ...limits], folder);
}

export interface Sanitised {
  /** Entry of a copy of the program whose addon is built with the sanitizers. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A copy of the sources that builds its own addon, by a compiler that adds the sanitizers. */
export function sanitised(folder: string): Sanitised {
  cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  for (const name of ['package.json', 'blocklists'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const compiler = join(folder, 'cc');
  const flags = ['-fsanitize=address,undefined', ...FATAL].join(' ');
  writeFileSync(compiler, `#!/bin/sh\nexec gcc "$@" ${flags} -U_FORTIFY_SOURCE\n`);
  chmodSync(compiler, 0o755);
  const runtimes = ['libasan.so', 'libubsan.so'].map((name) =>
    run('gcc', [`-print-file-name=${name}`]).trim(),
  );
  const env = {
    CC: compiler,
    LD_PRELOAD: runtimes.join(' '),
    // Node itself frees little when it ends; the valve's own growth is looked at from outside.
    ASAN_OPTIONS: 'detect_leaks=0:quarantine_size_mb=32:abort_on_error=1',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  };
  const built = spawnSync(process.execPath, [join(folder, 'src/native/build.ts')], {
    env: { ...process.env, CC: compiler },
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`building the addon: ${built.stderr}`);
  const [addon = ''] = readdirSync(join(folder, 'build')).filter((name) => name.endsWith('.node'));
  if (!readFileSync(join(folder, 'build', addon)).includes('__asan_report_load')) {
    throw new Error('the addon was built without AddressSanitizer');
  }
  return { entry: join(folder, 'src/dnsvalve.js'), env };
}

/** A campaign against it: the sanitizers write to its log, which is then no longer silent. */
export function attackSanitised(
  shape: Sanitised,
  counts: { readonly udp: number; readonly tcp: number; readonly seed: number },
): Promise<Result> {
  return runCampaign({ ...counts, ...shape, backend: 'native' });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '2000000' },
      udp: { type: 'string', default: '1000000' },
      tcp: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [runs, udp, tcp] = [Number(values.runs), Number(values.udp), Number(values.tcp)];
  const seed = Number(values.seed);
  const said = withFolder((folder) => fuzzNative(folder, runs, seed));
  process.stdout.write(`${said.trim().split('\n').at(-1)}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-sanitise-'));
  try {
    const { sent, seconds, broken } = await attackSanitised(sanitised(folder), { udp, tcp, seed });
    const end = broken.length === 0 ? 'the sanitizers are silent' : `BROKEN: ${broken.join('\n')}`;
    process.stdout.write(`${sent} messages in ${seconds.toFixed(1)} s: ${end}\n`);
    process.exitCode = broken.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
