/** Which server is asked next, as rows. */

import { describe, expect, it } from 'vitest';
import type { SocketPool } from '../../src/upstream/pool.ts';
import {
  chooseServer,
  countTry,
  SERVERS_MAX,
  Server,
  TRIES_MAX,
  triesOf,
} from '../../src/upstream/servers.ts';
import type { StreamTransport } from '../../src/upstream/transport.ts';

interface Shape {
  readonly srttMs?: number;
  readonly streak?: number;
  readonly open?: boolean;
  readonly refusing?: boolean;
  readonly usable?: boolean;
}

const stream: StreamTransport = {
  ask: () => true,
  usable: true,
  cancel: () => undefined,
  giveUp: () => undefined,
  close: () => undefined,
};

function serverOf(shape: Shape, position: number): Server {
  const address = { address: '127.0.0.1', port: 1 + position, family: 4 as const };
  const make = {
    // The choice reads one property of the pool.
    pool: () => ({ usable: shape.usable ?? true }) as SocketPool,
    stream: () => stream,
  };
  const server = new Server({ address, group: 'g', probe: position }, make, 0);
  server.position = position;
  server.srttMs = shape.srttMs ?? 10;
  server.streak = shape.streak ?? 0;
  server.circuitOpen = shape.open ?? false;
  server.refusing = shape.refusing ?? false;
  return server;
}

function counts(...tries: readonly number[]): number {
  let word = 0;
  for (const [position, count] of tries.entries()) {
    for (let i = 0; i < count; i++) word = countTry(word, position);
  }
  return word;
}

describe('the server to ask', () => {
  const rows: readonly {
    name: string;
    servers: readonly Shape[];
    tries?: readonly number[];
    bad?: number;
    want: number;
  }[] = [
    { name: 'the faster one', servers: [{ srttMs: 30 }, { srttMs: 20 }], want: 1 },
    { name: 'the first of equals', servers: [{}, {}], want: 0 },
    {
      name: 'on a retry the other one, however slow',
      servers: [{ srttMs: 1 }, { srttMs: 900, streak: 3 }],
      tries: [1, 0],
      want: 1,
    },
    {
      name: 'on a retry the same one, when the circuit of the other is open',
      servers: [{ srttMs: 1 }, { srttMs: 1, open: true }],
      tries: [2, 0],
      want: 0,
    },
    { name: 'one that was silent comes later', servers: [{ streak: 1 }, { srttMs: 90 }], want: 1 },
    {
      name: 'one that refuses comes later',
      servers: [{ refusing: true }, { srttMs: 900 }],
      want: 1,
    },
    { name: 'never one that failed this flight', servers: [{}, { open: true }], bad: 1, want: 1 },
    { name: 'never one without a socket', servers: [{ usable: false }, { open: true }], want: 1 },
    { name: 'never a fourth try', servers: [{}, { open: true }], tries: [3, 2], want: 1 },
    { name: 'nobody, after three tries each', servers: [{}, {}], tries: [3, 3], want: -1 },
    {
      name: 'all circuits open: the best of them',
      servers: [
        { open: true, srttMs: 30 },
        { open: true, srttMs: 20 },
      ],
      want: 1,
    },
    { name: 'nobody of nobody', servers: [], want: -1 },
  ];

  it.each(rows)('$name', ({ servers, tries = [], bad = 0, want }) => {
    const group = { name: 'g', hedge: false, servers: servers.map(serverOf) };
    expect(chooseServer(group, counts(...tries), bad)).toBe(want);
  });
});

it('tries are counted apart for all servers of the largest group', () => {
  let word = 0;
  for (let i = 0; i < TRIES_MAX; i++) {
    for (let position = 0; position < SERVERS_MAX; position++)
      word = countTry(word, position) >>> 0;
  }
  for (let position = 0; position < SERVERS_MAX; position++) {
    expect(triesOf(word, position)).toBe(3);
  }
});

it.each([
  { srttMs: 1, tries: 1, want: 250 },
  { srttMs: 125, tries: 1, want: 250 },
  { srttMs: 200, tries: 1, want: 400 },
  { srttMs: 3000, tries: 1, want: 1000 },
  { srttMs: 1, tries: 2, want: 500 },
  { srttMs: 1, tries: 3, want: 1000 },
])('srtt $srttMs ms, try $tries: the next leaves after $want ms', ({ srttMs, tries, want }) => {
  expect(serverOf({ srttMs }, 0).retryAfterMs(tries)).toBe(want);
});
