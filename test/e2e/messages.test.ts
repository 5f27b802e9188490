/** Messages as no client should send them, and what of a good one goes on to the upstream. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, openClient, TcpClient, TRANSPORTS } from '../support/client.ts';
import {
  buildQuery,
  CD,
  type EdnsShape,
  headerOctets,
  type Message,
  optOctets,
  questionOctets,
  RD,
  readMessage,
} from '../support/message.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const [FORMERR, NXDOMAIN, NOTIMP, REFUSED, BADVERS] = [1, 3, 4, 5, 16];
const QR = 0x8000;
const CLIENT = '127.0.0.2';
const STRANGER = '127.0.0.9';
const NAME = 'www.upstream.example';

const question = questionOctets({ name: NAME });
const opt = optOctets({});

/** A message with an id to be filled in. */
function message(
  flags: number,
  counts: readonly [number, number, number, number],
  ...body: readonly Uint8Array[]
): Buffer {
  return Buffer.concat([headerOctets(0, flags, counts), ...body]);
}

const one = [1, 0, 0, 0] as const;
const withOpt = [1, 0, 0, 1] as const;

interface Row {
  readonly name: string;
  readonly message: Buffer;
  readonly rcode: number;
}

const typeAndClass = [0, 1, 0, 1];
const longName = [...Array.from({ length: 51 }, () => [4, 97, 97, 97, 97]).flat(), 0];

const hostileNames: Row[] = (
  [
    ['a label past the end', [9, 97, 98]],
    ['a name without its root', [1, 97]],
    ['a question cut in its class', [1, 97, 0, 0, 1, 0]],
    ['a pointer for a question', [0xc0, 12, ...typeAndClass]],
    ['a pointer forward', [0xc0, 0x40, ...typeAndClass]],
    ['a label of type 0x40', [0x41, 97, 0, ...typeAndClass]],
    ['a label of type 0x80', [0x81, 97, 0, ...typeAndClass]],
    ['a name of 256 octets', [...longName, ...typeAndClass]],
  ] as const
).map(([name, octets]) => ({
  name,
  message: message(RD, one, Buffer.from(octets)),
  rcode: FORMERR,
}));

const otherOwner = Buffer.concat([Buffer.from([1, 97]), opt]);
const overlong = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 3, 0, 9]);

const rows: Row[] = [
  ...hostileNames,
  { name: 'no question', message: message(RD, [0, 0, 0, 0]), rcode: FORMERR },
  { name: 'two questions', message: message(RD, [2, 0, 0, 0], question, question), rcode: FORMERR },
  { name: 'counts beyond data', message: message(RD, [1, 65535, 0, 0], question), rcode: FORMERR },
  {
    name: 'two OPT records',
    message: message(RD, [1, 0, 0, 2], question, opt, opt),
    rcode: FORMERR,
  },
  {
    name: 'an OPT owned by a name',
    message: message(RD, withOpt, question, otherOwner),
    rcode: FORMERR,
  },
  {
    name: 'an option past its end',
    message: message(RD, withOpt, question, overlong),
    rcode: FORMERR,
  },
  {
    name: 'an OPT as an answer',
    message: message(RD, [1, 1, 0, 0], question, opt),
    rcode: FORMERR,
  },
  ...[1, 2, 3, 4, 5, 6, 9, 15].map((opcode) => ({
    name: `opcode ${opcode}`,
    message: message(RD | (opcode << 11), one, question),
    rcode: NOTIMP,
  })),
  {
    name: 'CH version.bind',
    message: buildQuery({ name: 'version.bind', type: 'TXT', qclass: 3 }),
    rcode: REFUSED,
  },
  { name: 'class ANY', message: buildQuery({ name: NAME, qclass: 255 }), rcode: REFUSED },
  { name: 'class NONE', message: buildQuery({ name: NAME, qclass: 254 }), rcode: REFUSED },
  { name: 'AXFR', message: buildQuery({ name: NAME, type: 'TYPE252' }), rcode: REFUSED },
  { name: 'IXFR', message: buildQuery({ name: NAME, type: 'TYPE251' }), rcode: REFUSED },
  {
    name: 'EDNS version 1',
    message: buildQuery({ name: NAME, edns: { version: 1 } }),
    rcode: BADVERS,
  },
];

const SPECIAL = [
  'x.onion',
  'x.alt',
  'printer.local',
  'x.invalid',
  'localhost',
  'a.localhost',
  'router.home.arpa',
  '1.0.0.10.in-addr.arpa',
  '1.1.168.192.in-addr.arpa',
  '254.169.in-addr.arpa',
  'use-application-dns.net',
  'mask.icloud.com',
  'mask-h2.icloud.com',
  '_dns.resolver.arpa',
];

describe.each(BACKENDS)('messages through %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) =>
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
    );
    valve = await Valve.start({
      backend,
      config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake, upstream.example: fake }
workloads: { client: { sources: [${CLIENT}/32], mode: open } }
`,
    });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    async function withClient<T>(from: string, act: (client: Client) => Promise<T>): Promise<T> {
      const client = await openClient(transport, valve, from);
      try {
        return await act(client);
      } finally {
        client.close();
      }
    }

    /** A question that is answered at once: what was sent before it has been dealt with. */
    async function fence(client: Client): Promise<Message> {
      return client.ask({ name: 'localhost' });
    }

    it.each(rows)('$name: rcode $rcode, and nothing goes upstream', async (row) => {
      const before = upstream.asked.length;
      await withClient(CLIENT, async (client) => {
        const octets = await client.exchange(row.message);
        const response = readMessage(octets as Buffer);
        expect(response.rcode).toBe(row.rcode);
        expect(response.answers).toEqual([]);
        expect(response.flags & 0x7800).toBe(row.message.readUInt16BE(2) & 0x7800);
        expect((await fence(client)).rcode).toBe(0);
      });
      expect(upstream.asked.length).toBe(before);
    });

    it('a message that is a response gets none', async () => {
      await withClient(CLIENT, async (client) => {
        for (let id = 1000; id < 1010; id++) {
          const forged = message(QR | RD, one, question);
          forged.writeUInt16BE(id, 0);
          client.send(forged);
        }
        await fence(client);
        expect(client.unasked).toEqual([]);
      });
    });

    it.each([0, 1, 2, 5, 11])('%i octets get no response', async (size) => {
      await withClient(CLIENT, async (client) => {
        client.send(message(RD, one).subarray(0, size));
        if (client instanceof TcpClient) await client.expect(0, 2000);
        else await fence(client);
        expect(client.unasked).toEqual([]);
        expect(client.order.length).toBe(transport === 'tcp' ? 0 : 1);
      });
    });

    it('a source that no workload claims is refused, and told so', async () => {
      const before = upstream.asked.length;
      await withClient(STRANGER, async (client) => {
        const response = await client.ask({ name: NAME, edns: {} });
        expect([response.rcode, response.ede]).toEqual([REFUSED, 18]);
        expect((await client.ask({ name: NAME })).opt).toBeNull();
      });
      expect(upstream.asked.length).toBe(before);
    });

    it('ANY gets one small record of our own', async () => {
      const before = upstream.asked.length;
      await withClient(CLIENT, async (client) => {
        const response = await client.ask({ name: NAME, type: 'ANY', edns: {} });
        expect(response.answers.map(({ type }) => type)).toEqual(['HINFO']);
        expect(response.octets.length).toBeLessThan(100);
      });
      expect(upstream.asked.length).toBe(before);
    });

    it.each(SPECIAL)('%s never reaches the upstream, whatever the type', async (name) => {
      const before = upstream.asked.length;
      await withClient(CLIENT, async (client) => {
        for (const type of ['A', 'AAAA', 'TXT', 'PTR', 'HTTPS', 'TYPE65280']) {
          const response = await client.ask({ name: name.toUpperCase(), type, edns: {} });
          expect([0, NXDOMAIN], `${name} ${type}`).toContain(response.rcode);
        }
      });
      expect(upstream.asked.length).toBe(before);
    });

    const burdens: readonly (readonly [string, number, EdnsShape | undefined])[] = [
      ['a plain query', RD, undefined],
      ['RD=0', 0, undefined],
      ['CD=1', RD | CD, {}],
      ['DO=1', RD, { dnssecOk: true, size: 4096 }],
      ['every header bit', 0x07ff & ~0x0f, { size: 512 }],
      [
        'client subnet, cookie, NSID, padding and an unknown option',
        RD,
        {
          options: [
            { code: 8, data: Buffer.from([0, 1, 24, 0, 203, 0, 113]) },
            { code: 10, data: Buffer.alloc(8, 7) },
            { code: 3, data: Buffer.alloc(0) },
            { code: 12, data: Buffer.alloc(64) },
            { code: 65001, data: Buffer.from('exfiltrated') },
          ],
        },
      ],
    ];

    it.each(burdens)('what leaves for the upstream is rebuilt: %s', async (what, flags, edns) => {
      const label = `${backend}-${transport}-${what.replaceAll(/\W/g, '')}`.toLowerCase();
      const name = `AlTeRnAtInGcAsEoFaLoNgEnOuGhLaBeL.${label}.upstream.example`;
      const shape = { name, flags, ...(edns === undefined ? {} : { edns }) };
      await withClient(CLIENT, (client) => client.ask(shape));
      const asked = upstream.asked.filter((one) => one.name.toLowerCase().includes(label));
      // More than one where the valve lost its patience and tried again.
      expect(asked.length).toBeGreaterThan(0);
      for (const { message: octets, name: sent, question: section } of asked) {
        expect(octets.readUInt16BE(2)).toBe(flags & (RD | CD));
        expect([4, 6, 8, 10].map((at) => octets.readUInt16BE(at))).toEqual([1, 0, 0, 1]);
        expect(sent.toLowerCase()).toBe(name.toLowerCase());
        expect(sent.split('.')[0]).not.toBe(name.split('.')[0]);
        const rest = octets.subarray(12 + section.length);
        const dnssecOk = edns?.dnssecOk ?? false;
        // Our own cookie for this server is all that its OPT record holds.
        const data = rest.subarray(15);
        const own = optOctets({ dnssecOk, options: [{ code: 10, data }] });
        expect([rest.toString('hex'), data.length]).toEqual([own.toString('hex'), 8]);
        for (const { data: theirs } of edns?.options ?? []) expect(data).not.toEqual(theirs);
      }
    });

    it('ids and ports towards the upstream are not those of the client', async () => {
      const label = `.${backend}-${transport}-ids.`;
      const own = new Map<string, number>();
      await withClient(CLIENT, async (client) => {
        for (let i = 0; i < 40; i++) {
          await client.ask({ name: `id${i}${label}upstream.example` });
          own.set(`id${i}`, client.order.at(-1) ?? -1);
        }
      });
      const asked = upstream.asked.filter(({ name }) => name.toLowerCase().includes(label));
      const isSame = ({ name, id }: (typeof asked)[number]): boolean =>
        own.get(name.toLowerCase().split('.')[0] ?? '') === id;
      expect(asked.length).toBeGreaterThan(39);
      expect(asked.filter(isSame).length).toBeLessThan(3);
      expect(new Set(asked.map(({ id }) => id)).size).toBeGreaterThan(37);
      expect(new Set(asked.map(({ sourcePort }) => sourcePort)).size).toBeGreaterThan(4);
    });

    it('octets after the message go nowhere', async () => {
      const name = `tail.${backend}-${transport}.upstream.example`;
      const long = Buffer.concat([buildQuery({ name }), Buffer.from('secret that wants out')]);
      await withClient(CLIENT, (client) => client.exchange(long));
      for (const { message: octets } of upstream.asked) {
        expect(octets.toString('latin1')).not.toContain('secret');
      }
    });
  });
});
