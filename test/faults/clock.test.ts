/**
 * The wall clock of a running process is set by days: what is stored, counted, limited or about to
 * end goes by the time that passes, and nothing stands still until the clock is where it was.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { UdpClient } from '../support/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { alertsOf } from '../support/history.ts';
import type { Message, QueryShape } from '../support/message.ts';
import { until } from '../support/processes.ts';
import { COOKIE } from '../support/records.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
const STRANGER = '127.0.1.2';
const [NOERROR, NXDOMAIN, REFUSED, BADCOOKIE] = [0, 3, 5, 23];
const DAY_MS = 86_400_000;
const TTL = 60;
const LIMIT = 300;
const MINE = Buffer.from('8 octets');
const isPossible = process.getuid?.() === 0 && FakeClock.isThere && BACKENDS.includes('native');

let clock: FakeClock;
let upstream: FakeServer;
let valve: Valve;
let client: UdpClient;
let stranger: UdpClient;

/** One worker, so that there is one store of answers. */
async function start(cookies = '{}'): Promise<void> {
  upstream = await FakeServer.start((asked) =>
    asked.reply(answerTo(asked, { answers: [addressRecord(7)] })),
  );
  clock = FakeClock.make()!;
  valve = await Valve.start({
    under: clock.under,
    config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
cookies: ${cookies}
alerts: [{ to: "file:alerts.json" }]
detect: { baseline: { burn_in: 0s } }
rate_limit: { queries: ${LIMIT} }
people: { operator: { uid: 0 } }
exceptions: { approvers: [operator] }
unmapped: { mode: enforce }
workloads: { client: { sources: [${CLIENT}/32], mode: enforce, allow: [.up.test] } }
`,
  });
  client = await UdpClient.open(valve, CLIENT);
  stranger = await UdpClient.open(valve, STRANGER);
}

/** Sets the clock of the process to so much from the real one. */
function set(days: number, minutes = 0): void {
  const offset = days * 1440 + minutes;
  clock.set(`${offset < 0 ? '' : '+'}${offset}m`);
}

function ask(name: string, shape: Partial<QueryShape> = {}): Promise<Message> {
  return client.ask({ name, ...shape });
}

function ttlOf({ answers }: Message): number {
  return answers[0]?.ttl ?? -1;
}

function act(...args: string[]): Promise<{ status: number | null; said: string }> {
  return valve.command(...args, ...valve.control);
}

/** Queries of a pair that the history has counted. */
async function countOf(domain: string): Promise<number> {
  const { said } = await valve.command('first-seen', '--jsonl', '--limit', '0');
  const rows = said
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);
  return rows.find((row) => row.domain === domain)?.queries ?? 0;
}

interface Row {
  readonly domain: string;
  readonly queries: number;
}

afterEach(async () => {
  client.close();
  stranger.close();
  await valve.stop();
  upstream.stop();
  clock.remove();
});

describe.runIf(isPossible).each([10, -10])('a clock that is set by %i days', (days) => {
  it('changes no stored answer, no limit and no quarantine, and holds up no count', async () => {
    await start();
    expect(ttlOf(await ask('kept.up.test'))).toBe(TTL);
    const hold = await act('quarantine', '--domain', 'held.up.test', '--for', '1h');
    expect([hold.status, hold.said]).toEqual([0, expect.stringContaining('q-1')]);
    const open = ['exception', 'request', 'client', 'api.partner.test', '--for', '1h'];
    expect((await act(...open, '--reason', 'test', '--now')).status).toBe(0);
    expect((await ask('api.partner.test')).rcode).toBe(NOERROR);
    await until('the pair is counted', async () => ((await countOf('up.test')) > 0 ? true : null));
    const before = await countOf('up.test');
    // Counted before, and not handed over yet.
    await ask('kept.up.test');
    const upstreamAsked = upstream.asked.length;
    set(days);

    const kept = await ask('kept.up.test');
    expect(upstream.asked.length).toBe(upstreamAsked);
    expect(ttlOf(kept)).toBeLessThanOrEqual(TTL);
    expect(ttlOf(kept)).toBeGreaterThan(TTL / 2);
    expect((await ask('www.held.up.test')).rcode).toBe(NXDOMAIN);
    // Forward it is over, and back it ends no later than it would have.
    const excepted = await ask('api.partner.test');
    expect(excepted.rcode).toBe(days > 0 ? NXDOMAIN : NOERROR);
    if (days < 0) expect(ttlOf(excepted)).toBeLessThanOrEqual(TTL);
    const many = await Promise.all(
      Array.from({ length: LIMIT / 2 }, () => client.ask({ name: 'kept.up.test' })),
    );
    expect(new Set(many.map(({ rcode }) => rcode))).toEqual(new Set([NOERROR]));
    for (let i = 0; i < 10; i++) {
      expect((await stranger.ask({ name: 'x.test' })).rcode).toBe(REFUSED);
    }
    await until('what was asked before and after is counted', async () => {
      return (await countOf('up.test')) >= before + 2 + LIMIT / 2 ? true : null;
    });

    expect((await ask('new.denied.test')).rcode).toBe(NXDOMAIN);
    const told = await until('the new denial is told, under the new time', () => {
      return alertsOf(valve).find((one) => one.registrable_domain === 'denied.test') ?? null;
    });
    const offMs = Date.parse(told.time) - (Date.now() + days * DAY_MS);
    expect(Math.abs(offMs)).toBeLessThan(DAY_MS / 24);
    expect(valve.program.said).not.toMatch(/died|fault/);
    expect(await valve.program.stop()).toBe(0);
  });

  it('costs a client one cookie', async () => {
    await start('{ required: offered }');
    const option = (data: Buffer) => ({ options: [{ code: COOKIE, data }] });
    const cookieOf = ({ opt }: Message): Buffer =>
      opt?.options.find(({ code }) => code === COOKIE)?.data ?? Buffer.alloc(0);
    const first = await ask('a.up.test', { edns: option(MINE) });
    expect(first.rcode).toBe(BADCOOKIE);
    const cookie = cookieOf(first);
    expect((await ask('a.up.test', { edns: option(cookie) })).rcode).toBe(NOERROR);
    set(days);
    const again = await ask('a.up.test', { edns: option(cookie) });
    expect(again.rcode).toBe(BADCOOKIE);
    expect((await ask('a.up.test', { edns: option(cookieOf(again)) })).rcode).toBe(NOERROR);
    // Half an hour is within what RFC 9018 lets a cookie live.
    set(days, 30);
    expect((await ask('a.up.test', { edns: option(cookieOf(again)) })).rcode).toBe(NOERROR);
  });
});
