/**
 * `Resolver.override` with real workers: what it put in force is what the first answer after its
 * return says, from every worker, and it stays so over reloads.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Overrides } from '../../src/overrides/override.ts';
import { NO_OVERRIDES } from '../../src/overrides/override.ts';
import { firstBuild } from '../../src/server/build.ts';
import { Resolver } from '../../src/server/resolver.ts';
import { UdpClient } from '../support/client.ts';
import type { Message } from '../support/message.ts';
import { freePort, makeFolder, removeFolder } from '../support/processes.ts';
import { BACKENDS } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';
import { exception, HOUR_MS, quarantineDomain, quarantineOf } from './support.ts';

const WORKERS = 3;
/** The kernel deals sockets to workers by a hash of the port: with these, none is left out. */
const CLIENTS = 24;
const [NOERROR, NXDOMAIN] = [0, 3];
const BLOCKED = 15;
const log = { info() {}, warn() {}, error() {} };

function config(port: number, upstream: number): string {
  return `listen: ["127.0.0.1:${port}"]
workers: ${WORKERS}
history: { path: history.db }
state_directory: state
upstreams: { default: { servers: ["127.0.0.1:${upstream}"] } }
rebinding: { allow: ["192.0.2.0/24"] }
workloads:
  api: { owner: team-api, sources: [127.0.0.2/32], allow: [.allowed.test] }
`;
}

describe.each(BACKENDS)('overrides over the %s backend', (backend) => {
  const folder = makeFolder();
  const path = join(folder, 'main.yaml');
  const clients: UdpClient[] = [];
  let upstream: FakeServer;
  let resolver: Resolver;
  let port: number;

  async function start(overrides: Overrides): Promise<void> {
    const options = { first: firstBuild(path, {}), backend, log, overrides };
    resolver = await Resolver.start(options);
    const [to] = resolver.addresses;
    if (to === undefined) throw new Error('it listens nowhere');
    for (const client of clients.splice(0)) client.close();
    for (let i = 0; i < CLIENTS; i++) clients.push(await UdpClient.open(to, '127.0.0.2'));
  }

  /** What all clients get. */
  function ask(name: string): Promise<Message[]> {
    return Promise.all(clients.map((client) => client.ask({ name, edns: {} })));
  }

  async function rcodes(name: string): Promise<number[]> {
    return [...new Set((await ask(name)).map(({ rcode }) => rcode))];
  }

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) => {
      asked.reply(answerTo(asked, { answers: [addressRecord(7)] }));
    });
    port = await freePort();
    writeFileSync(path, config(port, upstream.port));
    await start({ exceptions: [], quarantines: [quarantineOf('api')] });
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await resolver.stop();
    upstream.stop();
    removeFolder(folder);
  });

  const exceptions = [exception({ open: '*.new.test' }, Date.now() + HOUR_MS)];

  it('what is given at the start holds from the first query on', async () => {
    for (const { rcode, ede, edeText } of await ask('www.allowed.test')) {
      expect({ rcode, ede }).toEqual({ rcode: NXDOMAIN, ede: BLOCKED });
      expect(edeText).toBe(`api: denied by quarantine q-1 of api; ask team-api, policy: ${path}:8`);
    }
    await resolver.override(NO_OVERRIDES);
    expect(await rcodes('www.allowed.test')).toEqual([NOERROR]);
  });

  it('an exception is open, and closed again, with the return of the call', async () => {
    expect(await rcodes('a.new.test')).toEqual([NXDOMAIN]);
    await resolver.override({ exceptions, quarantines: [] });
    expect(await rcodes('a.new.test')).toEqual([NOERROR]);
    await resolver.override(NO_OVERRIDES);
    expect(await rcodes('a.new.test')).toEqual([NXDOMAIN]);
  });

  it('a quarantine closes what every worker has in its store', async () => {
    expect(await rcodes('www.allowed.test')).toEqual([NOERROR]);
    await resolver.override({ exceptions: [], quarantines: [quarantineDomain('.allowed.test')] });
    expect(await rcodes('www.allowed.test')).toEqual([NXDOMAIN]);
    await resolver.override(NO_OVERRIDES);
    expect(await rcodes('www.allowed.test')).toEqual([NOERROR]);
  });

  it('uses are counted over all workers, and not lost when the exception goes', async () => {
    const before = resolver.overrideUse().find(({ id }) => id === 'ex-1')?.queries ?? 0;
    await resolver.override({ exceptions, quarantines: [] });
    const from = Date.now();
    await ask('b.new.test');
    await ask('b.new.test');
    await ask('www.allowed.test');
    const used = { id: 'ex-1', queries: before + 2 * CLIENTS };
    expect(resolver.overrideUse()).toEqual([expect.objectContaining(used)]);
    await resolver.override(NO_OVERRIDES);
    const [use] = resolver.overrideUse();
    expect(use).toMatchObject(used);
    expect(use?.lastUseMs).toBeGreaterThanOrEqual(from - 100);
    // Extended: another end, the same exception.
    const longer = exceptions.map((one) => ({ ...one, untilMs: one.untilMs + HOUR_MS }));
    await resolver.override({ exceptions: longer, quarantines: [] });
    await ask('b.new.test');
    expect(resolver.overrideUse()).toMatchObject([{ queries: used.queries + CLIENTS }]);
  });

  it('overrides stay over a reload, and mean workloads by their names', async () => {
    await resolver.override({ exceptions, quarantines: [quarantineDomain('bad.allowed.test')] });
    writeFileSync(
      path,
      config(port, upstream.port).replace(
        'workloads:\n',
        'workloads:\n  aaa: { sources: [127.0.0.9/32] }\n',
      ),
    );
    await resolver.reload();
    expect(await rcodes('c.new.test')).toEqual([NOERROR]);
    expect(await rcodes('bad.allowed.test')).toEqual([NXDOMAIN]);
  });

  it('it does not wait for a reload, and what the reload publishes has it', async () => {
    const reloaded = resolver.reload();
    await resolver.override({ exceptions: [], quarantines: [quarantineOf('api')] });
    expect(await rcodes('www.allowed.test')).toEqual([NXDOMAIN]);
    await reloaded;
    expect(await rcodes('www.allowed.test')).toEqual([NXDOMAIN]);
  });

  it('of many calls at once the last one is in force', async () => {
    const calls = Array.from({ length: 20 }, (_, i) =>
      resolver.override({ exceptions, quarantines: i % 2 === 0 ? [quarantineOf('api')] : [] }),
    );
    await Promise.all(calls);
    expect(await rcodes('d.new.test')).toEqual([NOERROR]);
  });

  it('what is refused changes nothing', async () => {
    const many = Array.from({ length: 4097 }, (_, i) => {
      return exception({ id: `ex-${i + 2}`, open: 'x.test' }, Date.now() + HOUR_MS);
    });
    await expect(resolver.override({ exceptions: many, quarantines: [] })).rejects.toThrow(
      '4097 exceptions: at most 4096',
    );
    expect(await rcodes('d.new.test')).toEqual([NOERROR]);
    const twice = [...exceptions, ...exceptions];
    await expect(resolver.override({ exceptions: twice, quarantines: [] })).rejects.toThrow(
      'another has the text',
    );
    expect(resolver.overrides.exceptions).toHaveLength(1);
  });
});
