/**
 * The valve as a contestant, with everything on: a hundred workloads and the one that asks, its
 * allowlist, a feed of 1,000,000 domains, history, alerts to a file, counters. One worker; nothing
 * else is turned down.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask } from '../src/control/client.ts';
import { domains, RULES_EACH, ruleDomain, WORKLOADS, writeLines } from './names.ts';
import type { Contestant, Setup } from './scenario.ts';

export const PROGRAM = fileURLToPath(new URL('../src/dnsvalve.js', import.meta.url));
export const CONFIG = 'dnsvalve.yaml';
export const CONTROL = 'control.sock';
const OTHER_WORKLOADS = 100;

/** The parts of the status document that are looked at. */
export interface Status {
  readonly policy: {
    readonly workloads: number;
    readonly prefixes: number;
    readonly rules: number;
    readonly last_reload: string;
    readonly last_reload_error: string | null;
  };
  readonly memory: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly feeds: readonly { readonly entries?: number }[];
}

/** @param directory where the valve was started */
export async function statusOf(directory: string): Promise<Status> {
  return (await ask(join(directory, CONTROL), 'status')) as Status;
}

/** What a run changes in the usual configuration. */
export interface Shape {
  readonly workers?: number;
  readonly cacheSize?: string;
  /** Queries a second of each workload; no limit when not given. */
  readonly rateLimit?: number;
  /** Empty: no feed. */
  readonly feedFile?: string;
  readonly historyPath?: string;
  /** More lines of the configuration. */
  readonly more?: readonly string[];
  /** The section `workloads`; a hundred and the one that asks when not given. */
  readonly workloads?: Iterable<string>;
}

/** Arguments for Node itself that come before the program. */
export async function valveArgs(
  setup: Setup,
  shape: Shape = {},
  nodeArgs: readonly string[] = [],
): Promise<string[]> {
  const config = join(setup.directory, CONFIG);
  await writeLines(config, configLines(setup, shape));
  return [...nodeArgs, PROGRAM, 'serve', '--config', config, '--log-level', 'warn'];
}

export const valve: Contestant = {
  name: 'dnsvalve',
  program: process.execPath,
  version: [PROGRAM, 'version'],
  takes: () => true,
  args: (setup) => valveArgs(setup),
};

function* configLines(setup: Setup, shape: Shape): Generator<string> {
  const { feedFile = setup.feedFile } = shape;
  yield `listen: ["127.0.0.1:${setup.port}"]`;
  yield `workers: ${shape.workers ?? 1}`;
  // What asks here is one workload, and it is meant to ask as fast as it can.
  yield `rate_limit: { queries: ${shape.rateLimit ?? 0} }`;
  yield `upstreams: { default: { servers: ["127.0.0.1:${setup.upstreamPort}"] } }`;
  if (feedFile !== '') {
    yield `feeds: { listed: { source: "${feedFile}", format: plain, category: malware } }`;
  }
  if (shape.cacheSize !== undefined) yield `cache: { size: ${shape.cacheSize} }`;
  yield `history: { path: ${shape.historyPath ?? 'history.db'} }`;
  yield 'alerts: [{ to: "file:alerts.jsonl" }]';
  yield `control: { path: ${CONTROL} }`;
  yield 'state_directory: state';
  yield* shape.more ?? [];
  yield 'workloads:';
  yield* shape.workloads ?? workloadLines(setup);
}

function workloadLines(setup: Setup): Iterable<string> {
  if (setup.scenario === 'mixed') return mixedWorkloads();
  if (setup.scenario === 'start') return openWorkload();
  return usualWorkloads(setup);
}

function* usualWorkloads({ allowed }: Setup): Generator<string> {
  for (let i = 0; i < OTHER_WORKLOADS; i++) {
    yield `  other-${i}: { sources: [10.${i}.0.0/16], allow: [service-${i}.example.com] }`;
  }
  yield '  asking:';
  yield '    sources: [127.0.0.0/8]';
  yield '    allow:';
  for (const name of domains(allowed.of, allowed.count)) yield `      - .${name}`;
}

function* mixedWorkloads(): Generator<string> {
  for (let i = 0; i < WORKLOADS; i++) {
    yield `  w${i}:`;
    yield `    sources: [${sourceAddress(i)}]`;
    yield '    allow:';
    for (let j = 0; j < RULES_EACH; j++) yield `      - .${ruleDomain(i, j)}`;
  }
}

/** Lets through whatever the feed does not deny, so that a denial shows that the feed is there. */
function* openWorkload(): Generator<string> {
  yield '  asking: { sources: [127.0.0.0/8], mode: open }';
}

/** The address of source `index`, as the load generator numbers them. */
export function sourceAddress(index: number): string {
  const host = index + 1;
  return `127.1.${host >>> 8}.${host & 255}`;
}
