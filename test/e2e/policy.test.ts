/**
 * What three workloads get is what `explain` says of the same configuration: over UDP and TCP, from a
 * cold and from a warm store, and from the first query after a reload on.
 */

import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findWorkload } from '../../src/cli/find-workload.ts';
import { snapshotOf } from '../../src/cli/snapshot-of.ts';
import { explainName, type Snapshot } from '../../src/server/snapshot.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire, typeFromText } from '../../src/wire/text.ts';
import { openClient, TRANSPORTS } from '../support/client.ts';
import type { Message } from '../support/message.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { answerTo, FakeServer } from '../upstream/fake-server.ts';
import { names, policy, type Tried, WORKLOADS } from './policies.ts';

const [NXDOMAIN, BLOCKED, FILTERED] = [3, 15, 17];
const PER_WORKLOAD = 200;
const AA = 0x0400;
const EDNS = { size: 1232 };

/** All names are tried by all workloads: what one may have is in the store when another asks. */
const TRIED = names(20_261_123, PER_WORKLOAD * WORKLOADS.length);

interface Predicted extends Tried {
  readonly workload: string;
  readonly isAllowed: boolean;
  readonly isFeed: boolean;
}

/** The table that a configuration foretells. */
async function predict(configPath: string): Promise<Predicted[]> {
  const snapshot: Snapshot = await snapshotOf(configPath);
  const table = TRIED.flatMap((tried) =>
    WORKLOADS.map(({ name: workload }) => {
      const name = new WireName();
      const wire = nameToWire(tried.name);
      readName(wire, 0, wire.length, name);
      const type = typeFromText(tried.type) ?? 0;
      const said = explainName(snapshot, name, type, findWorkload(snapshot, workload));
      const isFeed = said.reason.startsWith('feeds');
      return { ...tried, workload, isAllowed: said.verdict === 'allow', isFeed };
    }),
  );
  return table;
}

/** A record of the type that was asked for, with rdata that fits it. */
function reply(type: number): Buffer {
  const rdata =
    type === 28
      ? Buffer.from('20010db8000000000000000000000001', 'hex')
      : Buffer.from(type === 16 ? [3, 97, 98, 99] : [192, 0, 2, 7]);
  const head = Buffer.from([0xc0, 12, type >> 8, type & 255, 0, 1, 0, 0, 0, 60, 0, rdata.length]);
  return Buffer.concat([head, rdata]);
}

describe.each(BACKENDS)('policy through %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) => {
      const type = asked.question.readUInt16BE(asked.question.length - 4);
      asked.reply(answerTo(asked, { answers: [reply(type)] }));
    });
    valve = await Valve.start({ backend, workers: 2, config: policy(0, upstream.port) });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  /** Every row is what was foretold, and nothing else went upstream. */
  async function holds(table: readonly Predicted[], when: string): Promise<void> {
    for (const transport of TRANSPORTS) {
      for (const { name, source } of WORKLOADS) {
        // Of its own: one that waited for the others' turns might have been idle for too long.
        const client = await openClient(transport, valve, source);
        for (const row of table.filter(({ workload }) => workload === name)) {
          const response = await client.ask({ name: row.name, type: row.type, edns: EDNS });
          const label = `${when}: ${row.workload} ${row.name} ${row.type} ${transport}`;
          expect(outcomeOf(response), label).toEqual(expectedOf(row));
        }
        client.close();
      }
    }
  }

  function sentUpstream(): Set<string> {
    return new Set(upstream.asked.map(({ question }) => question.toString('latin1').toLowerCase()));
  }

  it('cold and warm, every workload gets what explain says, and denied names stay here', async () => {
    const table = await predict(valve.configPath);
    for (const { name } of WORKLOADS) {
      const rows = table.filter(({ workload }) => workload === name);
      expect(rows.filter(({ isAllowed }) => isAllowed).length).toBeGreaterThan(40);
      expect(rows.filter(({ isAllowed }) => !isAllowed).length).toBeGreaterThan(150);
      expect(rows.filter(({ isFeed }) => isFeed).length).toBeGreaterThan(5);
    }
    await holds(table, 'cold');
    await holds(table, 'warm');
    const may = new Set(
      table.filter(({ isAllowed }) => isAllowed).map(({ name, type }) => wireText(name, type)),
    );
    expect([...sentUpstream()].filter((sent) => !may.has(sent))).toEqual([]);
    expect(sentUpstream().size).toBe(may.size);
  });

  it('the first query after `reload` returns follows the new policy', async () => {
    const before = await predict(valve.configPath);
    valve.configure(policy(1, upstream.port));
    const table = await predict(valve.configPath);
    const changed = table.filter((row, i) => row.isAllowed !== before[i]?.isAllowed);
    expect(changed.length).toBeGreaterThan(100);
    const { status, said } = await valve.command('reload');
    expect([status, said]).toEqual([0, expect.stringMatching(/^revision \d+ is in use/)]);
    await holds(changed, 'after reload');
    await holds(table, 'after reload, all');
  });

  it('SIGHUP does the same', async () => {
    const mark = valve.program.said.length;
    valve.configure(policy(2, upstream.port));
    valve.program.child.kill('SIGHUP');
    await valve.program.says('"msg":"configuration loaded"', mark);
    await holds(await predict(valve.configPath), 'after SIGHUP');
  });

  it('no query is lost over five reloads, and connections live through them', async () => {
    let isOver = false;
    let answered = 0;
    const clients = await Promise.all(
      TRANSPORTS.flatMap((transport) =>
        WORKLOADS.map(({ source }) => openClient(transport, valve, source)),
      ),
    );
    // A query without a response makes `ask` throw.
    const asking = clients.map(async (client) => {
      for (let nth = 0; !isOver; nth++) {
        await client.ask({ name: nth % 2 === 0 ? `r${nth}.everyone.example` : 'no.example' });
        answered++;
      }
    });
    for (let turn = 0; turn < 5; turn++) {
      const mark = valve.program.said.length;
      const before = answered;
      valve.configure(policy(turn % 3, upstream.port));
      valve.program.child.kill('SIGHUP');
      await valve.program.says('"msg":"configuration loaded"', mark);
      expect(answered).toBeGreaterThan(before);
    }
    isOver = true;
    await Promise.all(asking);
    for (const client of clients) client.close();
    valve.configure(policy(2, upstream.port));
    expect((await valve.command('reload')).status).toBe(0);
  });

  it.each([
    ['an unknown key', `${policy(0, 1)}wrkloads: {}\n`],
    ['a pattern that is none', policy(0, 1).replace('api.one.example', '"a.*.example"')],
    ['half a file', policy(0, 1).slice(0, 300)],
    ['a failing policy test', `${policy(0, 1)}    tests: [{ name: no.example, expect: allow }]\n`],
  ])('%s is refused as a whole: the old policy stays, and everybody is told', async (_, broken) => {
    const table = (await predict(valve.configPath)).filter((_row, index) => index % 5 === 0);
    valve.configure(broken);
    const { status, said } = await valve.command('reload');
    expect(status).toBe(2);
    expect(said).toMatch(/dnsvalve\.yaml:\d+:\d+: /);
    await isStillInForce(table, 2);
  });

  it('an empty file is no empty policy', async () => {
    const table = (await predict(valve.configPath)).filter((_row, index) => index % 5 === 0);
    writeFileSync(valve.configPath, '');
    const mark = valve.program.said.length;
    valve.program.child.kill('SIGHUP');
    await valve.program.says('reload refused', mark);
    expect((await valve.command('reload', ...valve.control)).status).toBe(2);
    await isStillInForce(table, 2);
  });

  /** After a refused reload: `status` says so, everybody gets what he got; then repairs the file. */
  async function isStillInForce(table: readonly Predicted[], turn: number): Promise<void> {
    const { policy: state } = (await valve.status()) as { policy: { last_reload_error: string } };
    expect(state.last_reload_error).not.toBeNull();
    expect(valve.program.said).toContain('reload refused');
    await holds(table, 'after a refused reload');
    valve.configure(policy(turn, upstream.port));
    expect((await valve.command('reload')).status).toBe(0);
  }
});

function wireText(name: string, type: string): string {
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(typeFromText(type) ?? 0, 0);
  tail.writeUInt16BE(1, 2);
  return Buffer.concat([nameToWire(name), tail])
    .toString('latin1')
    .toLowerCase();
}

function outcomeOf(message: Message): unknown {
  const isDenied = message.rcode === NXDOMAIN && (message.flags & AA) !== 0;
  return {
    rcode: message.rcode,
    ede: message.ede,
    answers: message.answers.length,
    soa: isDenied ? message.authorities.map(({ type }) => type) : [],
  };
}

function expectedOf(row: Predicted): unknown {
  if (row.isAllowed) return { rcode: 0, ede: null, answers: 1, soa: [] };
  return { rcode: NXDOMAIN, ede: row.isFeed ? FILTERED : BLOCKED, answers: 0, soa: ['SOA'] };
}
