/**
 * `npm run demo`: the valve, three workloads and the rest of the world on loopback, without network
 * and without root. Shows what was let out, what was not and why, what the history remembers and
 * which alerts were raised. Everything it writes is in a directory of its own that it removes.
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALERT_FILE, CONFIG_FILE, configText, NAMES_PER_DOMAIN } from './config.ts';
import {
  type AlertRow,
  type Answered,
  alertTable,
  cut,
  deniedLines,
  firstSeenTable,
  heading,
  type PairRow,
  verdictTable,
  type WorkloadRow,
  whoTable,
  workloadTable,
  wrap,
} from './show.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import { rowsOf, startValve, stopAll, stopValve } from './valve.ts';
import { ASKINGS, type Asking, ask, tunnelAskings } from './workloads.ts';

const TUNNEL_QUERIES = 300;
/** Queries of the tunnel that are under way at one time. */
const TUNNEL_WIDTH = 20;

const say = (text: string): boolean => process.stdout.write(text);

const directory = await mkdtemp(join(tmpdir(), 'dnsvalve-demo-'));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void cleanUp().finally(() => process.exit(130));
  });
}

// Nobody reads any more (`npm run demo | head`).
process.stdout.on('error', () => {
  void cleanUp().finally(() => process.exit(0));
});

async function cleanUp(): Promise<void> {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
}

/** Syslog over UDP: the messages that came, as text. */
async function startCollector() {
  const socket = createSocket('udp4');
  const messages: string[] = [];
  socket.on('message', (message) => messages.push(message.toString('utf8')));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, messages, close: () => socket.close() };
}

async function runWorkloads(port: number): Promise<Answered[]> {
  const answered: Answered[] = [];
  for (const asking of ASKINGS) answered.push({ asking, response: await ask(asking, port) });
  return answered;
}

/** @returns how many of the queries were answered NOERROR */
async function runTunnel(port: number): Promise<number> {
  const left: Asking[] = tunnelAskings(TUNNEL_QUERIES);
  let passed = 0;
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const response = await ask(next, port);
      if (response.rcode === 'NOERROR') passed++;
    }
  };
  await Promise.all(Array.from({ length: TUNNEL_WIDTH }, worker));
  return passed;
}

function showVerdicts(answered: readonly Answered[], upstream: Upstream): void {
  say(heading('Verdicts'));
  say(verdictTable(answered));
  say(heading('What a denied client is told, in every such response (RFC 8914)'));
  say(deniedLines(answered.filter(({ response }) => response.denied)));
  const denied = answered.filter(({ asking, response }) => {
    return response.denied && !upstream.asked.has(asking.name);
  });
  say(
    `\n${denied.length} denied names never left the valve: the upstream was not asked for them.\n`,
  );
}

async function showHistory(passed: number): Promise<void> {
  say(heading('History: dnsvalve first-seen'));
  say(firstSeenTable(await rowsOf<PairRow>(directory, 'first-seen', '--config', CONFIG_FILE)));
  say(heading('History: dnsvalve who pastebin.com'));
  say(whoTable(await rowsOf<PairRow>(directory, 'who', 'pastebin.com', '--config', CONFIG_FILE)));
  say(heading('History: dnsvalve who sync.example (the tunnel)'));
  say(whoTable(await rowsOf<PairRow>(directory, 'who', 'sync.example', '--config', CONFIG_FILE)));
  say(
    `The agent sent ${TUNNEL_QUERIES} random names below *.sync.example, which it may resolve; ` +
      `${passed} were answered.\nEvery query is counted; ${NAMES_PER_DOMAIN} names are kept in ` +
      `full and the rest is folded, so that a tunnel\ncannot fill the disk.\n`,
  );
  say(heading('History: dnsvalve workloads'));
  say(workloadTable(await rowsOf<WorkloadRow>(directory, 'workloads', '--config', CONFIG_FILE)));
}

function showAlerts(messages: readonly string[]): void {
  const alerts = readFileSync(join(directory, ALERT_FILE), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AlertRow);
  say(heading(`Alerts: the JSON lines of file:${ALERT_FILE}`));
  say(alertTable(alerts));
  say(heading(`Alerts: ${messages.length} messages came over syslog+udp, one of them`));
  const shown = messages.find((message) => message.includes(' rebinding ')) ?? messages[0];
  say(wrap(shown ?? 'none'));
}

function showWhere(): void {
  say(heading('Where to find the same'));
  for (const [what, meaning] of [
    ['npm start', 'a resolver on 127.0.0.1:5353, from examples/dnsvalve.yaml'],
    ['npx dnsvalve query NAME --as WORKLOAD', 'ask it as a workload (-c examples/dnsvalve.yaml)'],
    ['npx dnsvalve explain WORKLOAD NAME', 'the rules in their order, and which one decides'],
    ['npx dnsvalve first-seen, who, history', 'what the history remembers'],
    ['docs/configuration.md, docs/alerts.md', 'every key; every alert and every sink'],
  ] as const) {
    say(cut(`  ${what.padEnd(38)} ${meaning}`));
  }
}

async function demo(): Promise<void> {
  const upstream = await startUpstream();
  const collector = await startCollector();
  try {
    writeFileSync(join(directory, CONFIG_FILE), configText(collector.port));
    const valve = await startValve(directory, CONFIG_FILE, upstream.port);
    say(cut(`dnsvalve answers on 127.0.0.1 port ${valve.port} (I/O: ${valve.io}).`));
    say('Three workloads ask it: payments (127.0.0.2), builder (127.0.0.3), agent (127.0.0.4).\n');
    const answered = await runWorkloads(valve.port);
    const passed = await runTunnel(valve.port);
    showVerdicts(answered, upstream);
    // The end drains and writes everything; the history is then read from its file.
    const code = await stopValve(valve);
    if (code !== 0) throw new Error(`dnsvalve ended with status ${code}`);
    await showHistory(passed);
    showAlerts(collector.messages);
    showWhere();
  } finally {
    collector.close();
    await cleanUp();
    await upstream.close();
  }
}

await demo();
