/**
 * The valve as a contestant, with everything on: a hundred workloads and the one that asks, its
 * allowlist, a feed, history, alerts to a file, counters. One worker; nothing else is turned down.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { domains, writeLines } from './names.ts';
import type { Contestant, Setup } from './scenario.ts';

export const PROGRAM = fileURLToPath(new URL('../src/dnsvalve.js', import.meta.url));
export const CONFIG = 'dnsvalve.yaml';
export const CONTROL = 'control.sock';
const OTHER_WORKLOADS = 100;

export const valve: Contestant = {
  name: 'dnsvalve',
  program: process.execPath,
  version: [PROGRAM, 'version'],
  async args(setup) {
    const { feed, directory } = setup;
    await writeLines(join(directory, 'feed.txt'), domains(feed.of, feed.count));
    const config = join(directory, CONFIG);
    await writeLines(config, configLines(setup));
    return [PROGRAM, 'serve', '--config', config, '--log-level', 'warn'];
  },
};

function* configLines(setup: Setup): Generator<string> {
  yield `listen: ["127.0.0.1:${setup.port}"]`;
  yield 'workers: 1';
  yield `upstreams: { default: { servers: ["127.0.0.1:${setup.upstreamPort}"] } }`;
  yield 'feeds: { listed: { source: feed.txt, format: plain, category: malware } }';
  yield 'history: { path: history.db }';
  yield 'alerts: [{ to: "file:alerts.jsonl" }]';
  yield `control: { path: ${CONTROL} }`;
  yield 'state_directory: .';
  yield 'workloads:';
  for (let i = 0; i < OTHER_WORKLOADS; i++) {
    yield `  other-${i}: { sources: [10.${i}.0.0/16], allow: [service-${i}.example.com] }`;
  }
  yield '  asking:';
  yield '    sources: [127.0.0.0/8]';
  yield '    allow:';
  for (const name of domains(setup.allowed.of, setup.allowed.count)) yield `      - .${name}`;
}
