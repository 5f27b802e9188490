/**
 * What leaves through an allowed wildcard with a budget, counted at the upstream's end: never more
 * than the budget, however it is said, by whichever way in, over a reload, a restart and a crash.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Random } from '../detect/random.ts';
import { openClient, type Transport } from '../support/client.ts';
import type { Message, QueryShape } from '../support/message.ts';
import { Valve } from '../support/valve.ts';
import { answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
const OTHER = '127.0.0.3';
const LIMIT_BITS = 8000;
const NXDOMAIN = 3;

/** An A record of TTL 0, so that repeats leave, too. */
const RECORD = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1]);

/** A way to put data into queries: what it says with each, in bits, whatever the data. */
interface Way {
  readonly bits: number;
  /** Queries at a time: the same ones at once are one question upstream. */
  readonly atOnce: number;
  next(random: Random): QueryShape;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

function letters(random: Random, count: number): string {
  return Array.from({ length: count }, () => BASE32[random.below(32)]).join('');
}

/** Types that are data, and go upstream: 16 of them. */
const TYPES = [1, 2, 5, 6, 12, 15, 16, 17, 28, 29, 33, 35, 43, 44, 64, 65].map((n) => `TYPE${n}`);
const PAIR = ['a', 'b'];

const WAYS: Readonly<Record<string, Way>> = {
  'random letters': {
    bits: 60,
    atOnce: 16,
    next: (random) => ({ name: `${letters(random, 12)}.partner.example` }),
  },
  'long names of four labels': {
    bits: 4 * 50 * 5,
    atOnce: 16,
    next: (random) => {
      const labels = Array.from({ length: 4 }, () => letters(random, 50));
      return { name: `${labels.join('.')}.partner.example` };
    },
  },
  'a codebook of repeats': {
    bits: 8,
    atOnce: 16,
    next: (random) => ({ name: `w${random.below(256)}.partner.example` }),
  },
  'one name, the type tells': {
    bits: 4,
    atOnce: 1,
    next: (random) => ({ name: 'www.partner.example', type: TYPES[random.below(16)] ?? 'A' }),
  },
  'one of two names, DO and CD tell': {
    bits: 3,
    atOnce: 1,
    next: (random) => ({
      name: `${PAIR[random.below(2)]}.partner.example`,
      flags: random.below(2) === 0 ? 0x0100 : 0x0110,
      edns: { dnssecOk: random.below(2) === 0 },
    }),
  },
};

let upstream: FakeServer;
let valve: Valve;

function configuration(comment = '', budget = '1kB/h'): string {
  return `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
${comment}
workloads:
  app:
    owner: team-x
    sources: [${CLIENT}/32]
    fail_open: true
    allow: [{ name: "*.partner.example", budget: ${budget} }]
  other:
    sources: [${OTHER}/32]
    allow: ["*.partner.example"]
`;
}

async function start(budget?: string, workers = 2): Promise<void> {
  upstream = await FakeServer.start((asked) => asked.reply(answerTo(asked, { answers: [RECORD] })));
  valve = await Valve.start({ workers, config: configuration('', budget) });
}

afterEach(async () => {
  await valve?.stop();
  upstream?.stop();
});

const DENIALS = 32;

/** Sends, several at a time, until for so many in a row the budget is said to be used up. */
async function exfiltrate(
  way: Way,
  transport: Transport,
  random: Random,
  atMost = Number.POSITIVE_INFINITY,
): Promise<Message | null> {
  const clients = await Promise.all([1, 2, 3, 4].map(() => openClient(transport, valve, CLIENT)));
  let denial: Message | null = null;
  let usedUp = 0;
  for (let sent = 0; usedUp < DENIALS && sent < atMost; sent += way.atOnce) {
    const responses = await Promise.all(
      Array.from({ length: way.atOnce }, (_, i) =>
        clients[i % clients.length]!.ask({ edns: {}, ...way.next(random) }),
      ),
    );
    for (const response of responses) {
      const isUsedUp = response.rcode === NXDOMAIN && response.edeText.includes('used up');
      usedUp = isUsedUp ? usedUp + 1 : 0;
      if (isUsedUp) denial = response;
    }
  }
  for (const client of clients) client.close();
  return denial;
}

describe('never more than the budget of 1 kB leaves', () => {
  const transports: Transport[] = ['udp', 'tcp'];
  for (const [i, [how, way]] of Object.entries(WAYS).entries()) {
    const transport = transports[i % 2] ?? 'udp';
    it(`${how}, over ${transport}`, async () => {
      await start();
      const denial = await exfiltrate(way, transport, new Random(i));
      const left = upstream.asked.length * way.bits;
      expect(left).toBeLessThanOrEqual(LIMIT_BITS);
      // Nor is it denied for nothing: most of what is charged was said.
      expect(left).toBeGreaterThan(LIMIT_BITS * 0.3);
      expect(denial?.edeText).toMatch(
        /^app: budget of 1kB\/h used up, frees in (5\d|6\d) min, by .*dnsvalve\.yaml:\d+ allow \*\.partner\.example; ask team-x/,
      );
    });
  }

  it('all ways together, both transports, over a reload, an orderly restart and a crash', async () => {
    await start();
    const random = new Random(9);
    let said = 0;
    const names = Object.keys(WAYS);
    const steps = [
      async () => {},
      async () => {
        // The rule moves by a line, and the revision by one.
        valve.configure(configuration('# a comment'));
        expect((await valve.command('reload', ...valve.control)).status).toBe(0);
      },
      async () => {
        await valve.program.stop();
        await valve.restart();
      },
      async () => {
        await valve.program.stop('SIGKILL');
        await valve.restart();
      },
    ];
    for (const [i, step] of steps.entries()) {
      await step();
      const way = WAYS[names[i % names.length] ?? ''] ?? WAYS['random letters']!;
      const before = upstream.asked.length;
      const isLast = i === steps.length - 1;
      const transport = i % 2 === 0 ? 'udp' : 'tcp';
      await exfiltrate(way, transport, random, isLast ? Number.POSITIVE_INFINITY : 32);
      said += (upstream.asked.length - before) * way.bits;
      if (i < 2) expect(upstream.asked.length).toBeGreaterThan(before);
    }
    expect(said).toBeLessThanOrEqual(LIMIT_BITS);
    const before = upstream.asked.length;
    await exfiltrate(WAYS['random letters']!, 'udp', random);
    expect(upstream.asked.length).toBe(before);
  });
});

describe('a budget', () => {
  it('is for one workload; another with the same name is not charged', async () => {
    await start();
    await exfiltrate(WAYS['random letters']!, 'udp', new Random(1));
    const client = await openClient('udp', valve, OTHER);
    expect((await client.ask({ name: 'x.partner.example' })).rcode).toBe(0);
    client.close();
  });

  it('that only alerts lets all through', async () => {
    // One worker: a detector's row that another holds would be a denial of its own.
    await start('{ limit: 1kB/h, action: alert }', 1);
    await exfiltrate(WAYS['random letters']!, 'udp', new Random(1), 320);
    expect(upstream.asked.length).toBe(320);
  });

  it('that cannot be read back starts used up', async () => {
    await start();
    const path = join(valve.folder, 'state', 'budgets.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: 1 });
    await valve.program.stop();
    writeFileSync(path, '{');
    await valve.restart();
    const client = await openClient('udp', valve, CLIENT);
    const response = await client.ask({ name: 'x.partner.example', edns: {} });
    client.close();
    expect(response.edeText).toContain('used up');
    expect(upstream.asked).toEqual([]);
  });
});
