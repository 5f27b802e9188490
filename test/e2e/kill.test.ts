/** kill -9 in the middle of a flood, and SIGTERM: what the history and the alerts hold afterwards. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openClient, TRANSPORTS, UdpClient } from '../support/client.ts';
import { alertsOf, firstSeen } from '../support/history.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { type Asked, addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
/** 20,000 queries a second, in steps that a timer can keep. */
const STEP_MS = 5;
const PER_STEP = 100;
const QUERIES = 60_000;
/** One query in so many is for a registrable domain that was never asked for before. */
const PER_DOMAIN = 5;
const DOMAINS = QUERIES / PER_DOMAIN;
/** What may be lost: a second, and one for a machine on which other tests run beside this one. */
const LOSS_MS = 2000;
/** So many domains must have been answered before that, or the test says little. */
const SETTLED_MIN = 1000;

/** Everything below `com` is answered here, so that the flood needs no upstream. */
const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
*.com. A 192.0.2.1
`;

const CONFIG = `zones: [{ name: com, file: com.zone }]
alerts: [{ to: "file:alerts.json" }]
detect: { baseline: { burn_in: 0s } }
workloads: { client: { sources: [${CLIENT}/32], mode: enforce } }
`;

/** Sends names as long as it is let and keeps when each was answered first. */
class Flood {
  /** performance.now() of the first answer, by the number of the domain. */
  readonly answeredAt = new Map<number, number>();
  sent = 0;
  readonly #client: UdpClient;

  constructor(client: UdpClient) {
    this.#client = client;
  }

  /** Resolves when it was stopped by `isOver`. */
  async run(isOver: () => boolean): Promise<void> {
    const start = performance.now();
    while (!isOver()) {
      const due = (Math.floor((performance.now() - start) / STEP_MS) + 1) * PER_STEP;
      for (let i = 0; i < PER_STEP && this.sent < due; i++) this.#send(this.sent++);
      this.#note();
      await pause(1);
    }
    this.#note();
  }

  /** What was answered longer than `ms` before `now`. */
  settled(ms: number, now = performance.now()): [number, number][] {
    return [...this.answeredAt].filter(([, at]) => at < now - ms);
  }

  #send(nth: number): void {
    // The others repeat what was new a moment ago.
    const domain = (Math.floor(nth / PER_DOMAIN) >> (nth % PER_DOMAIN)) % DOMAINS;
    this.#client.send(buildQuery({ id: domain, name: `d${domain}.com` }));
  }

  #note(): void {
    const now = performance.now();
    for (const id of this.#client.order.splice(0)) {
      if (!this.answeredAt.has(id)) this.answeredAt.set(id, now);
    }
    this.#client.unasked.length = 0;
  }
}

describe.each(BACKENDS)('the end of %s sockets', (backend) => {
  it('kill -9 under 20,000 queries a second loses at most the last second', async () => {
    const valve = await Valve.start({
      backend,
      workers: 2,
      config: CONFIG,
      files: { 'com.zone': ZONE },
    });
    const client = await UdpClient.open(valve, CLIENT);
    const flood = new Flood(client);
    let isDead = false;
    const flooding = flood.run(() => isDead);
    while (flood.sent < QUERIES || flood.settled(LOSS_MS).length < SETTLED_MIN) await pause(100);
    valve.program.child.kill('SIGKILL');
    const killedAt = performance.now();
    await valve.program.exit();
    isDead = true;
    await flooding;
    client.close();

    const recorded = new Set((await firstSeen(valve)).map(({ domain }) => domain));
    const missing = flood
      .settled(LOSS_MS, killedAt)
      .filter(([domain]) => !recorded.has(`d${domain}.com`))
      .map(([domain, at]) => `d${domain}.com, answered ${(killedAt - at).toFixed(0)} ms before`);
    expect(missing).toEqual([]);

    const mark = statSync(join(valve.folder, 'alerts.json')).size;
    const restartedAt = new Date().toISOString();
    await valve.restart();
    const again = await UdpClient.open(valve, CLIENT);
    const probes = Array.from({ length: 300 }, (_, i) => `d${(i * 97) % DOMAINS}.com`);
    for (const name of [...probes, 'brand-new.com']) {
      expect((await again.ask({ name })).answers).toHaveLength(1);
    }
    again.close();
    expect(await valve.program.stop()).toBe(0);
    // What the killed run told may come again: alerts are delivered at least once.
    const told = alertsOf(valve, endOfLine(valve, mark))
      .filter(({ type, time }) => type === 'new-destination' && time >= restartedAt)
      .map(({ registrable_domain }) => registrable_domain);
    expect(told).toContain('brand-new.com');
    expect(told.filter((domain) => recorded.has(domain))).toEqual([]);
    expect(probes.filter((name) => recorded.has(name)).length).toBeGreaterThan(50);
    await valve.stop();
  });

  it('SIGTERM loses nothing: the history is whole, status 0', async () => {
    const valve = await Valve.start({
      backend,
      workers: 2,
      config: CONFIG,
      files: { 'com.zone': ZONE },
    });
    const names = Array.from({ length: 400 }, (_, i) => `t${i}.com`);
    for (const transport of TRANSPORTS) {
      const client = await openClient(transport, valve, CLIENT);
      const asked = names.map((name) => client.ask({ name: `www.${transport}${name}` }));
      await Promise.all(asked);
      client.close();
    }
    expect(await valve.program.stop('SIGTERM')).toBe(0);
    expect(valve.program.said).toContain('"msg":"stopped"');
    const recorded = new Set((await firstSeen(valve)).map(({ domain }) => domain));
    const all = TRANSPORTS.flatMap((transport) => names.map((name) => transport + name));
    expect(all.filter((domain) => !recorded.has(domain))).toEqual([]);
    const told = alertsOf(valve).filter(({ type }) => type === 'new-destination');
    expect(new Set(told.map(({ registrable_domain }) => registrable_domain)).size).toBe(all.length);
    await valve.stop();
  });

  it.each(TRANSPORTS)('SIGTERM waits for answers that are under way over %s', async (transport) => {
    let held: Asked | null = null;
    const upstream = await FakeServer.start((asked) => {
      held = asked;
    });
    const valve = await Valve.start({
      backend,
      workers: 2,
      config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { example: fake }
detect: { baseline: { burn_in: 0s } }
workloads: { client: { sources: [${CLIENT}/32], mode: open } }
`,
    });
    const client = await openClient(transport, valve, CLIENT);
    const response = client.exchange(buildQuery({ name: 'slow.example' }));
    await upstream.received(1);
    valve.program.child.kill('SIGTERM');
    await valve.program.says('"msg":"stopping"');
    const asked = held as Asked | null;
    asked?.reply(answerTo(asked, { answers: [addressRecord(1)] }));
    expect(readMessage((await response) as Buffer).answers).toHaveLength(1);
    expect(await valve.program.exit()).toBe(0);
    client.close();
    upstream.stop();
    await valve.stop();
  });
});

/** Where the first line begins that starts at `mark` or later: a kill may have cut the one before. */
function endOfLine(valve: Valve, mark: number): number {
  const octets = readFileSync(join(valve.folder, 'alerts.json'));
  if (mark === 0 || octets[mark - 1] === 0x0a) return mark;
  return octets.indexOf(0x0a, mark) + 1;
}
