/** DNS over TCP (RFC 7766): framing, pipelining, and what one stream may cost another. */

import assert from 'node:assert/strict';
import { framed, type TcpClient } from '../support/client.ts';
import { buildQuery, headerOctets, RD, readMessage } from '../support/message.ts';
import { addresses } from '../support/records.ts';
import { until } from '../support/until.ts';
import type { Check } from './check.ts';
import type { Subject } from './subject.ts';

async function onStream(
  subject: Subject,
  act: (stream: TcpClient) => Promise<void>,
): Promise<void> {
  const stream = await subject.stream();
  try {
    await act(stream);
  } finally {
    stream.close();
  }
}

async function answered(stream: TcpClient, id: number): Promise<void> {
  const octets = await stream.expect(id);
  assert.ok(octets !== null, `no response to id ${id}`);
  assert.equal(readMessage(octets).answers.length, 1);
}

type Way = (subject: Subject, stream: TcpClient) => Promise<void>;

const WAYS: readonly (readonly [string, string, Way])[] = [
  [
    'RFC 7766 8',
    'a query that comes octet by octet is answered',
    async (subject, stream) => {
      const wanted = answered(stream, 3);
      for (const octet of framed(buildQuery({ name: subject.name('drip'), id: 3 }))) {
        await new Promise<void>((resolve) => {
          stream.socket.write(Buffer.from([octet]), () => resolve());
        });
      }
      await wanted;
    },
  ],
  [
    'RFC 7766 8',
    'two queries in one segment are both answered',
    async (subject, stream) => {
      const both = [answered(stream, 3), answered(stream, 4)];
      const frames = [3, 4].map((id) => framed(buildQuery({ name: subject.name('pair'), id })));
      stream.socket.write(Buffer.concat(frames));
      await Promise.all(both);
    },
  ],
  [
    'RFC 7766 8',
    'a length that is split between segments is understood',
    async (subject, stream) => {
      const frame = framed(buildQuery({ name: subject.name('split'), id: 5 }));
      const wanted = answered(stream, 5);
      stream.socket.write(frame.subarray(0, 1));
      await until('it is on its way', () => (stream.socket.writableLength === 0 ? true : null));
      stream.socket.write(frame.subarray(1));
      await wanted;
    },
  ],
  [
    'RFC 7766 6.2.1.1',
    'a hundred pipelined queries are all answered',
    async (subject, stream) => {
      const all = Array.from({ length: 100 }, (_, i) => answered(stream, i + 1));
      const frames = all.map((_, i) =>
        framed(buildQuery({ name: subject.name('pipe'), id: i + 1 })),
      );
      stream.socket.write(Buffer.concat(frames));
      await Promise.all(all);
    },
  ],
  [
    'RFC 7766 6.2.1.1',
    'a slow answer does not hold up one that is known',
    async (subject, stream) => {
      const known = subject.name('known');
      await subject.ask({ name: known });
      const slow = subject.name('slow', () => undefined);
      stream.send(buildQuery({ name: slow, id: 1 }));
      const wanted = answered(stream, 2);
      stream.send(buildQuery({ name: known, id: 2 }));
      await wanted;
      assert.deepEqual(stream.order, [2]);
    },
  ],
  [
    'RFC 7766 6.2.4',
    'a client that has closed its side is still answered',
    async (subject, stream) => {
      const wanted = answered(stream, 6);
      stream.socket.end(framed(buildQuery({ name: subject.name('half'), id: 6 })));
      await wanted;
    },
  ],
  [
    'RFC 7766 6.2.1',
    'a connection is kept for the next query',
    async (subject, stream) => {
      for (const id of [1, 2, 3]) {
        const wanted = answered(stream, id);
        stream.send(buildQuery({ name: subject.name('next'), id }));
        await wanted;
      }
    },
  ],
  [
    'RFC 7766 6.2',
    'a malformed query does not cost the connection',
    async (subject, stream) => {
      stream.send(headerOctets(9, RD, [0, 0, 0, 0]));
      const wanted = answered(stream, 10);
      stream.send(buildQuery({ name: subject.name('after'), id: 10 }));
      await wanted;
    },
  ],
  [
    'RFC 7766 8',
    'the length and the message come in one segment',
    async (subject, stream) => {
      const first = new Promise<Buffer>((resolve) => stream.socket.once('data', resolve));
      stream.send(buildQuery({ name: subject.name('one'), id: 1 }));
      const octets = await first;
      assert.ok(octets.length > 2, 'the length came alone');
      assert.equal(octets.length, 2 + octets.readUInt16BE(0));
    },
  ],
  [
    'RFC 7766 6.2.1',
    'queries of one stream may ask for the same name',
    async (subject, stream) => {
      const name = subject.name('same', (asked) => asked.reply(addresses(asked, 1)));
      const all = [1, 2, 3, 4].map((id) => answered(stream, id));
      for (const id of [1, 2, 3, 4]) stream.send(buildQuery({ name, id }));
      await Promise.all(all);
    },
  ],
];

const streams: Check[] = WAYS.map(([rfc, rule, way]) => ({
  rfc,
  rule,
  over: 'tcp',
  run: (subject) => onStream(subject, (stream) => way(subject, stream)),
}));

export const STREAMS: readonly Check[] = [
  ...streams,
  {
    rfc: 'RFC 7766 6.2.3',
    rule: 'two hundred idle connections keep nobody out',
    over: 'tcp',
    async run(subject) {
      const idle = await Promise.all(Array.from({ length: 200 }, () => subject.stream()));
      try {
        await onStream(subject, async (stream) => {
          const wanted = answered(stream, 1);
          stream.send(buildQuery({ name: subject.name('late'), id: 1 }));
          await wanted;
        });
      } finally {
        for (const one of idle) one.close();
      }
    },
  },
  {
    rfc: 'RFC 7766 6.2.4',
    rule: 'a stream that is reset in mid-message costs no other',
    over: 'tcp',
    async run(subject) {
      const rude = await subject.stream();
      rude.socket.write(Buffer.from([0, 200, 1, 2, 3]));
      rude.socket.resetAndDestroy();
      assert.equal((await subject.ask({ name: subject.name('calm') })).answers.length, 1);
    },
  },
];
