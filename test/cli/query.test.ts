/** `dnsvalve query`: what it prints against master files and servers that misbehave. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import * as packet from 'dns-packet';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { register } from '../../src/cli/query.ts';
import { exchange } from '../../src/cli/query-exchange.ts';
import { buildQuery, isResponseTo, readResponse } from '../../src/cli/query-message.ts';
import { rdataToText } from '../../src/cli/query-rdata.ts';
import { MessageReader } from '../../src/cli/query-reader.ts';
import { speakerFor } from '../../src/cli/query-source.ts';
import { loadConfig } from '../../src/config/load.ts';
import { DnsvalveError } from '../../src/errors.ts';
import { nameToWire, typeToText } from '../../src/wire/text.ts';
import { parseZone } from '../../src/zones/master.ts';

const ORIGIN = nameToWire('types.example');

function rdataText(type: number, octets: Uint8Array): string {
  return rdataToText(type, new MessageReader(octets));
}

describe('record data as text', () => {
  const zone = parseZone(
    readFileSync(join(import.meta.dirname, '..', 'zones', 'every-type.zone'), 'utf8'),
    ORIGIN,
    'every-type.zone',
  );
  const rows = zone.nodes.flatMap((node) =>
    node.sets.flatMap(({ type, rdatas }) =>
      rdatas.map((rdata) => ({ type, mnemonic: typeToText(type), rdata })),
    ),
  );

  it.each(rows)('a master file takes what is printed for $mnemonic', ({ type, rdata }) => {
    const line = `x.types.example. 60 IN ${typeToText(type)} ${rdataText(type, rdata)}\n`;
    const soa = type === 6 ? '' : '@ 60 IN SOA ns host 1 2 3 4 5\n';
    const owner = type === 6 ? line.replace('x.', '') : line;
    const back = parseZone(`$ORIGIN types.example.\n${soa}${owner}`, ORIGIN, 'f')
      .nodes.flatMap(({ sets }) => sets)
      .find((set) => set.type === type);
    expect(Buffer.from(back?.rdatas[0] ?? []).toString('hex')).toBe(
      Buffer.from(rdata).toString('hex'),
    );
  });

  it.each([
    ['a type without a form of its own', 65280, '01ff', '\\# 2 01ff'],
    ['data that is too short for its type', 1, '0102', '\\# 2 0102'],
    ['data with octets left over', 15, '000a0000', '\\# 4 000a0000'],
    ['empty data', 65280, '', '\\# 0'],
    ['a text with control octets', 16, '041b5b6d22', '"\\027[m\\""'],
    ['a dot inside a label', 5, '03612e620178 00', 'a\\.b.x.'],
    ['an IPv4-mapped AAAA', 28, '00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
    ['a pointer forward', 2, 'c005', '\\# 2 c005'],
    ['a pointer to itself', 2, 'c000', '\\# 2 c000'],
  ])('%s', (_rule, type, hex, want) => {
    expect(rdataText(type, Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(want);
  });
});

describe('a response', () => {
  const query = buildQuery(7, { name: nameToWire('www.Example.com'), type: 1, dnssec: false });

  /** The response that dns-packet writes; the fields of `more` replace those of a good one. */
  function response(more: Partial<packet.Packet> = {}): Buffer {
    return packet.encode({
      type: 'response',
      id: 7,
      questions: [{ type: 'A', name: 'www.example.COM' }],
      ...more,
    });
  }

  it.each<[string, Partial<packet.Packet>, boolean]>([
    ['the case of its question does not matter', {}, true],
    ['its id is the one of the query', { id: 8 }, false],
    ['it is no query', { type: 'query' }, false],
    ['its question is ours', { questions: [{ type: 'A', name: 'example.com' }] }, false],
    ['its type is ours', { questions: [{ type: 'AAAA', name: 'www.example.com' }] }, false],
    ['success needs a question', { questions: [] }, false],
    ['an error needs none', { questions: [], flags: 1 }, true],
  ])('belongs to the query: %s', (_rule, more, want) => {
    expect(isResponseTo(query, response(more))).toBe(want);
  });

  it('is read as dns-packet wrote it', () => {
    const octets = response({
      flags: packet.AUTHORITATIVE_ANSWER | packet.RECURSION_AVAILABLE,
      answers: [
        { type: 'CNAME', name: 'www.example.com', ttl: 60, data: 'a.example.com' },
        { type: 'A', name: 'a.example.com', ttl: 30, data: '192.0.2.1' },
      ],
      additionals: [opt([{ code: 15, data: Buffer.from('\0\x11feed\x1b[31m', 'latin1') }])],
    });
    expect(readResponse(query, octets)).toMatchObject({
      rcode: 'NOERROR',
      flags: ['qr', 'aa', 'ra'],
      answer: [
        { name: 'www.example.com.', ttl: 60, type: 'CNAME', data: 'a.example.com.' },
        { name: 'a.example.com.', ttl: 30, type: 'A', data: '192.0.2.1' },
      ],
      errors: [{ code: 17, name: 'Filtered', text: 'feed\x1b[31m' }],
      denied: true,
    });
  });

  it.each([
    [15, true],
    [17, true],
    [18, true],
    [22, false],
    [3, false],
  ])('with EDE %i is a denial: %s', (code, denied) => {
    const octets = response({ additionals: [opt([{ code: 15, data: Buffer.from([0, code]) }])] });
    expect(readResponse(query, octets).denied).toBe(denied);
  });

  it('with records outside the message is an error that is told', () => {
    const octets = response();
    octets[7] = 1;
    expect(() => readResponse(query, octets)).toThrow('the response cannot be read');
  });

  it('of any octets never fails in another way', () => {
    const head = response().subarray(0, 4);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 200 }), (tail) => {
        try {
          readResponse(query, Buffer.concat([head, tail]));
        } catch (error) {
          expect(error).toBeInstanceOf(DnsvalveError);
        }
      }),
      { seed: 4711, numRuns: 3000 },
    );
  });
});

/** An OPT record with options that dns-packet does not look into. */
function opt(options: { code: number; data: Buffer }[]): packet.Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: options as packet.PacketOpt[],
  } as packet.Answer;
}

describe('an exchange', () => {
  const query = buildQuery(7, { name: nameToWire('www.example.com'), type: 1, dnssec: false });
  const good = packet.encode({
    type: 'response',
    id: 7,
    questions: [{ type: 'A', name: 'www.example.com' }],
    answers: [{ type: 'A', name: 'www.example.com', ttl: 60, data: '192.0.2.1' }],
  });
  const wrongId = Buffer.from(good);
  wrongId.writeUInt16BE(8);
  const truncated = Buffer.from(good);
  truncated.writeUInt8((truncated[2] ?? 0) | 2, 2);
  let udp: Socket;
  let tcp: Server;
  let onDatagram: (octets: Buffer, reply: (octets: Buffer) => void) => void = () => {};
  let onStream: (octets: Buffer, reply: (octets: Buffer) => void) => void = () => {};
  let route: Parameters<typeof exchange>[0];

  beforeAll(async () => {
    tcp = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (octets: Buffer) => onStream(octets, (reply) => socket.write(reply)));
    });
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const address = tcp.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    udp = createSocket('udp4');
    udp.on('message', (octets, { port: to, address: host }) =>
      onDatagram(octets, (reply) => udp.send(reply, to, host)),
    );
    udp.bind(port, '127.0.0.1');
    await once(udp, 'listening');
    route = { server: { address: '127.0.0.1', port, family: 4 }, source: '127.0.0.9' };
  });

  afterEach(() => {
    onDatagram = () => {};
    onStream = () => {};
  });

  afterAll(() => {
    udp.close();
    tcp.close();
  });

  it('passes over datagrams that are not the response', async () => {
    onDatagram = (_octets, reply) => {
      for (const octets of [Buffer.from('junk'), wrongId, good]) reply(octets);
    };
    const got = await exchange(route, query, 'UDP', 2000);
    expect(got).toMatchObject({ transport: 'UDP', octets: good });
  });

  it('tries a second time when a datagram is lost', async () => {
    let datagrams = 0;
    onDatagram = (_octets, reply) => {
      datagrams++;
      if (datagrams === 2) reply(good);
    };
    await exchange(route, query, 'UDP', 200);
    expect(datagrams).toBe(2);
  });

  it('goes on over TCP when the response is truncated, and reads a frame in pieces', async () => {
    onDatagram = (_octets, reply) => reply(truncated);
    onStream = (_octets, reply) => {
      reply(Buffer.from([0]));
      setImmediate(() => reply(Buffer.concat([Buffer.from([good.length]), good])));
    };
    const got = await exchange(route, query, 'UDP', 2000);
    expect(got).toMatchObject({ transport: 'TCP', octets: good });
  });

  it('says that nothing came', async () => {
    await expect(exchange(route, query, 'UDP', 50)).rejects.toMatchObject({
      code: 'DAEMON',
      message: expect.stringContaining('over UDP in 2 tries: nothing came within 0.05 s each'),
    });
  });

  it('refuses a frame over TCP that is not the response', async () => {
    onStream = (_octets, reply) =>
      reply(Buffer.concat([Buffer.from([0, wrongId.length]), wrongId]));
    await expect(exchange(route, query, 'TCP', 2000)).rejects.toThrow('not to this query');
  });

  it.each(['UDP', 'TCP'] as const)('a source that is not ours is told, over %s', async (over) => {
    const foreign = { ...route, source: '240.0.0.77' };
    await expect(exchange(foreign, query, over, 2000)).rejects.toMatchObject({
      code: 'USAGE',
      message: 'source 240.0.0.77: this machine has no such address',
    });
  });
});

describe('the address to speak from', () => {
  let directory: string;
  let path: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dnsvalve-query-'));
    path = join(directory, 'dnsvalve.yaml');
    writeFileSync(
      path,
      `listen: ["127.0.0.1:5353", "[::1]:5353", "10.20.0.1:53"]
upstreams: { default: { servers: [192.0.2.1] } }
workloads:
  all: { sources: [127.0.0.0/8] }
  closer: { sources: [127.0.0.0/30] }
  six: { sources: ["::1/128"] }
  card: { sources: [10.20.0.0/16] }
  none: { sources: [240.0.0.0/24] }
`,
    );
  });

  afterAll(() => rm(directory, { recursive: true }));

  it.each([
    ['the first address of a loopback prefix', 'closer', '127.0.0.1', '127.0.0.1'],
    ['not one that a closer prefix takes away', 'all', '127.0.0.4', '127.0.0.1'],
    ['IPv6 loopback, and the server of its family', 'six', '::1', '::1'],
    ['an address of an interface', 'card', '10.20.0.7', '127.0.0.1'],
  ])('%s', (_rule, workload, source, server) => {
    const config = loadConfig(path);
    const local = ['127.0.0.1', '::1', '10.20.0.7'];
    const found = speakerFor(config, workload, config.listen, local);
    expect([found.source, found.server.address]).toEqual([source, server]);
  });

  it('loopback speaks to loopback only', () => {
    const config = loadConfig(path);
    const elsewhere = [{ address: '10.20.0.1', port: 53, family: 4 as const }];
    expect(() => speakerFor(config, 'closer', elsewhere, ['127.0.0.1'])).toThrow(
      'no address of it (127.0.0.0/30) that reaches 10.20.0.1',
    );
  });

  const usage = (...args: string[]): Promise<unknown> => {
    const program = new Command().exitOverride();
    const silent = { write: () => true };
    register(program, {
      stdout: silent,
      stderr: silent,
      env: {},
      isTTY: false,
      now: () => 0,
      setExitCode: () => {},
    });
    return program.parseAsync(['node', 'dnsvalve', 'query', 'www.example.com', ...args]);
  };

  it.each([
    ['no address of the workload is here', ['--as', 'none'], 'no address of it (240.0.0.0/24)'],
    ['the workload is unknown', ['--as', 'nobody'], 'one of all, closer, six, card, none'],
    ['the source is no address', ['--source', 'here'], 'give an IPv4 or IPv6 address'],
    ['two ways to say the source', ['--as', 'all', '--source', '::1'], 'give one of them'],
    ['the type is none', ['NOTYPE'], 'a mnemonic such as A, or TYPE65280'],
    ['the server is none', ['--server', 'here'], '"here" is not an address'],
  ])('is a usage error when %s', async (_rule, args, message) => {
    await expect(usage('-c', path, ...args)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(message),
    });
  });
});
