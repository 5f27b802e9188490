/** A tunnel through the running valve: told, explained in the same words, and not forgotten. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { ask } from '../../src/control/client.ts';
import { CHANNEL_NAMES } from '../../src/detect/channels.ts';
import type { Detection, ExplainedFinding, WithDetection } from '../../src/detect/explain.ts';
import { ROW_FIRST } from '../../src/detect/rows.ts';
import { type Client, openClient } from '../support/client.ts';
import { until } from '../support/processes.ts';
import { Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
const NXDOMAIN = 3;
const EDE_BLOCKED = 15;
const THRESHOLD = 64;

/** Names that carry 10 octets each, the same in every run. */
function payload(i: number): string {
  return `${((i + 7) * 2_654_435_761).toString(32)}${((i + 9) * 40_503).toString(32)}.exfil.net`;
}

describe('a workload that carries data in names', () => {
  let upstream: FakeServer;
  let valve: Valve;
  let client: Client;
  let asked = 0;

  beforeAll(async () => {
    upstream = await FakeServer.start((query) =>
      query.reply(answerTo(query, { answers: [addressRecord(1)] })),
    );

    valve = await Valve.start({
      config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
alerts: [ { to: "file:alerts.jsonl" } ]
detect: { tunnel: { threshold: ${THRESHOLD}, action: deny } }
workloads:
  client: { sources: [${CLIENT}/32], mode: enforce, allow: [ "*.exfil.net" ] }
`,
    });
    client = await openClient('udp', valve, CLIENT);
  });

  afterAll(async () => {
    client?.close();
    await valve?.stop();
    upstream?.stop();
  });

  function detection(): Promise<Detection> {
    const question = { workload: 'client', name: 'exfil.net' };
    return ask(join(valve.folder, 'control.sock'), 'detection', question) as Promise<Detection>;
  }

  function alerts(): Alert[] {
    const path = join(valve.folder, 'alerts.jsonl');
    const lines = readFileSync(path, { encoding: 'utf8', flag: 'a+' }).split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Alert);
  }

  /** Null until the ledger of so many names is in the history. */
  function keptNames(count: number): true | null {
    const db = new Database(valve.historyPath, { readonly: true });
    const words = db.prepare('SELECT words FROM ledger WHERE kind = 1').pluck().get() as Buffer;
    db.close();
    return words.readInt32LE((CHANNEL_NAMES - ROW_FIRST) * 4) === count ? true : null;
  }

  async function explain(): Promise<{ status: number | null; said: WithDetection; text: string }> {
    const words = ['explain', 'client', 'www.exfil.net'];
    const { status, said } = await valve.command(...words, '--json', ...valve.control);
    const { said: text } = await valve.command(...words, ...valve.control);
    return { status, said: JSON.parse(said) as WithDetection, text };
  }

  it('is denied beyond the threshold, and told at once with the score', async () => {
    const next = () => client.ask({ name: payload(asked++), type: 'TXT', edns: {} });
    let answer = await next();
    while (answer.rcode !== NXDOMAIN && asked < 100) answer = await next();
    expect(answer).toMatchObject({ rcode: NXDOMAIN, ede: EDE_BLOCKED });
    expect(answer.edeText).toMatch(
      /^client: too much data in names under exfil\.net, by \S+:\d+ allow \*\.exfil\.net;/,
    );
    const told = await until('the alert', () => alerts().find((one) => one.score !== null) ?? null);
    expect(told).toMatchObject({
      type: 'tunnel',
      verdict: 'denied',
      workload: 'client',
      registrable_domain: 'exfil.net',
      qname: payload(asked - 1),
      threshold: THRESHOLD,
      technique: 'T1071.004',
    });
    expect(told.score).toBeGreaterThanOrEqual(THRESHOLD);
  });

  it('is explained by the running resolver in the words of the alert', async () => {
    const { status, said, text } = await explain();
    const [told] = alerts().filter(({ detector }) => detector === 'tunnel');
    expect(status).toBe(1);
    expect(said).toMatchObject({ verdict: 'deny', reason: 'detection' });
    expect(said.steps.filter(({ matched }) => matched)).toMatchObject([{ name: 'detection' }]);
    expect(said.detection?.from).toBe('daemon');
    const [found] = said.detection?.findings ?? [];
    expect(found?.parts).toEqual(told?.parts);
    for (const { text: words } of told?.parts ?? []) expect(text).toContain(words);
    expect(text).toContain('would allow by ');
  });

  it('shows in status', async () => {
    const status = (await valve.status()) as {
      alerts: { findings: object };
      detection: Record<string, { used: number; contended: number }>;
    };
    expect(status.alerts.findings).toMatchObject({ tunnel: { told: 1, denied: 1 } });
    expect(status.detection['channels']).toMatchObject({ used: 1, contended: 0, evicted: 0 });
  });

  it('is explained from the history in the very words when no resolver runs', async () => {
    await valve.program.stop();
    const { status, said, text } = await explain();
    const [told] = alerts().filter(({ detector }) => detector === 'tunnel');
    expect(status).toBe(0);
    expect(said.detection).toMatchObject({
      from: 'history',
      findings: [
        {
          detector: 'tunnel',
          summary: told?.reason,
          parts: told?.parts,
          verdict: 'denied',
          qname: told?.qname,
        },
      ],
    });
    expect(text).toContain(
      `last found, the resolver does not run): tunnel, denied: ${told?.reason}`,
    );
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('goes on where it was after %s', async (signal) => {
    const [told] = alerts().filter(({ detector }) => detector === 'tunnel');
    if (signal === 'SIGKILL') await until('the last query in the history', () => keptNames(asked));
    await valve.program.stop(signal);
    await valve.restart();
    const { findings, denied_until } = await detection();
    expect(findings[0]).toMatchObject({ detector: 'tunnel', threshold: THRESHOLD });
    expect(findings[0]?.score).toBeGreaterThanOrEqual((told?.score ?? 0) - 1);
    expect(denied_until).not.toBeNull();
    const { rcode } = await client.ask({ name: payload(asked++), type: 'TXT' });
    expect(rcode).toBe(NXDOMAIN);
    const [later] = (await detection()).findings;
    expect(later?.first).toBe(findings[0]?.first);
    const names = (found?: ExplainedFinding) =>
      found?.parts.find(({ name }) => name === 'new_names')?.value;
    expect(names(later)).toBe(Number(names(findings[0])) + 1);
  });
});
