/** Answers through the valve beside those of NSD itself: every record that matters arrives whole. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameToText, nameToWire, typeToText } from '../../src/wire/text.ts';
import { loadZone } from '../../src/zones/master.ts';
import { type Client, openClient, TcpClient, TRANSPORTS } from '../support/client.ts';
import { CD, type Message, type QueryShape, RD, type Rr } from '../support/message.ts';
import { lacks, makeFolder, removeFolder, until } from '../support/processes.ts';
import { type Server, startNsd } from '../support/servers.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { absolute, MORE_NAMES, NAMES, OWNED, signZone, writeZone } from './zones.ts';

const EVERY_TYPE = join(import.meta.dirname, '../zones/every-type.zone');
const TC = 0x0200;
const QR_RA = 0x8080;
const RCODE_AND_COPIED = 0x011f;
/** Types asked of every name, whether it has them or not. */
const ASKED_TYPES = ['A', 'TXT', 'CNAME', 'NS', 'DS', 'TYPE65280'];

interface Asked {
  readonly name: string;
  readonly type: string;
}

function everyTypeQuestions(): Asked[] {
  const zone = loadZone(EVERY_TYPE, nameToWire('types.example'));
  return zone.nodes.flatMap((node) =>
    node.sets.map((set) => ({ name: nameToText(node.owner), type: typeToText(set.type) })),
  );
}

function questions(origin: string): Asked[] {
  const owned = OWNED.map(([name, type]) => ({ name: absolute(name, origin), type }));
  const tried = [...NAMES, ...MORE_NAMES].flatMap((name) =>
    ASKED_TYPES.map((type) => ({ name: absolute(name, origin), type })),
  );
  return [...owned, ...tried];
}

/** What a forwarder must not change; sets, because order within a section says nothing. */
function comparable(message: Message, isNegative: boolean): unknown {
  return {
    rcode: message.rcode,
    answers: texts(message.answers),
    // Positive answers: name servers and their signatures are none of the client's business.
    authorities: isNegative ? texts(message.authorities) : [],
  };
}

function texts(records: readonly Rr[]): string[] {
  return records
    .map(({ owner, type, rrclass, rdata }) => `${owner.toLowerCase()} ${rrclass} ${type} ${rdata}`)
    .sort();
}

function lowestTtl(message: Message): number {
  return Math.min(...[...message.answers, ...message.authorities].map(({ ttl }) => ttl));
}

describe.skipIf(lacks('nsd', 'dnssec-signzone')).each(BACKENDS)('through %s sockets', (backend) => {
  let folder = '';
  let nsd: Server;
  let valve: Valve;
  let direct: TcpClient;
  const clients = new Map<string, Client>();

  beforeAll(async () => {
    folder = makeFolder();
    nsd = await startNsd({
      'types.example': EVERY_TYPE,
      'plain.example': writeZone(folder, 'plain.example'),
      'nsec.example': signZone(folder, 'nsec.example', 'nsec').file,
      'nsec3.example': signZone(folder, 'nsec3.example', 'nsec3').file,
    });
    valve = await Valve.start({
      backend,
      config: `upstreams: { nsd: { servers: ["127.0.0.1:${nsd.port}"] } }
forward: { example: nsd }
workloads: { client: { sources: [127.0.0.1/32], mode: open } }
`,
    });
    direct = await TcpClient.open(nsd, '127.0.0.1');
    for (const transport of TRANSPORTS) {
      clients.set(transport, await openClient(transport, valve, '127.0.0.1'));
    }
  });

  afterAll(async () => {
    for (const client of [direct, ...clients.values()]) client?.close();
    await valve?.stop();
    await nsd?.stop();
    removeFolder(folder);
  });

  /** Compares one question over both transports, the first time cold and the second time warm. */
  async function compare(shape: QueryShape): Promise<void> {
    const theirs = await direct.ask(shape);
    const isNegative = theirs.rcode === 3 || !hasData(theirs, shape.type ?? 'A');
    const want = comparable(theirs, isNegative);
    for (const [transport, client] of clients) {
      const label = `${shape.name} ${shape.type} ${transport}`;
      const ours = await client.ask(shape);
      expect(ours.flags & QR_RA, label).toBe(QR_RA);
      expect(ours.flags & (RD | CD), label).toBe((shape.flags ?? RD) & (RD | CD));
      expect(ours.opt === null, label).toBe(shape.edns === undefined);
      expect(ours.question.toString('hex'), label).toBe(theirs.question.toString('hex'));
      if ((ours.flags & TC) !== 0) {
        expect(transport).toBe('udp');
        expect(theirs.octets.length, label).toBeGreaterThan(shape.edns ? 1100 : 450);
        continue;
      }
      if (transport === 'udp') expect(ours.octets.length).toBeLessThanOrEqual(1232);
      expect(comparable(ours, isNegative), label).toEqual(want);
      expect(lowestTtl(ours), label).toBeLessThanOrEqual(lowestTtl(theirs));
    }
  }

  it.each([
    ['without EDNS', {}],
    ['with DO=0', { edns: { size: 1232 } }],
    ['with DO=1', { edns: { size: 1232, dnssecOk: true } }],
    ['with CD=1', { flags: RD | CD, edns: { size: 1232 } }],
    ['with DO=1 and CD=1', { flags: RD | CD, edns: { size: 1232, dnssecOk: true } }],
  ] as const)(
    'every record of every type, every name and what is not there, %s',
    async (_, shape) => {
      let compared = 0;
      const all = [
        ...everyTypeQuestions(),
        ...questions('plain.example'),
        ...questions('nsec.example'),
        ...questions('nsec3.example'),
      ];
      for (const asked of all) {
        await compare({ ...asked, ...shape });
        compared++;
      }
      expect(compared).toBeGreaterThan(1000);
    },
  );

  it('an answer too big for a datagram says so and is whole over TCP', async () => {
    for (const name of ['big.plain.example', 'huge.plain.example', 'huge.nsec.example']) {
      const shape = { name, type: 'TXT', edns: { size: 4096, dnssecOk: true } };
      const cut = await clients.get('udp')?.ask(shape);
      expect((cut?.flags ?? 0) & TC, name).toBe(TC);
      expect(cut?.octets.length, name).toBeLessThanOrEqual(1232);
      const whole = await clients.get('tcp')?.ask(shape);
      expect((whole?.flags ?? 0) & TC, name).toBe(0);
      expect(whole?.answers.filter(({ type }) => type === 'TXT')).toHaveLength(
        name.startsWith('big') ? 20 : 200,
      );
    }
  });

  it.each(TRANSPORTS)(
    'the case of the question comes back, cold and warm, over %s',
    async (way) => {
      const client = clients.get(way);
      for (const label of ['CaSe', 'cAsE', 'case', 'CASE']) {
        const name = `UpPeR.${label}.${way === 'udp' ? 'pLaIn' : 'tYpEs'}.ExAmPlE`;
        const response = await client?.ask({ name, edns: {} });
        expect(response?.question.toString('latin1')).toContain(label);
        expect(response?.flags ?? 0).toBe((response?.flags ?? 0) & (QR_RA | RCODE_AND_COPIED));
        expect(response?.answers).toHaveLength(1);
      }
    },
  );

  it.each(TRANSPORTS)('the TTL of a warm answer counts down over %s', async (transport) => {
    const client = clients.get(transport);
    const shape = { name: 'host.new.plain.example', edns: {} };
    const cold = await client?.ask(shape);
    const aged = await until('a TTL that is lower', async () => {
      const warm = await client?.ask(shape);
      return lowestTtl(warm as Message) < lowestTtl(cold as Message) ? warm : null;
    });
    expect(lowestTtl(aged as Message)).toBeGreaterThan(3500);
    expect(aged?.answers.map(({ rdata }) => rdata)).toEqual(cold?.answers.map((rr) => rr.rdata));
  });
});

/** Whether a response holds the type that was asked for, behind aliases or not. */
function hasData(message: Message, type: string): boolean {
  return message.answers.some((record) => record.type === type);
}
