/**
 * Questions that nobody answers, as many as a workload likes: the others are served as ever, from
 * the store and from the same upstream.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, openClient, TRANSPORTS, UdpClient } from '../support/client.ts';
import { readMessage } from '../support/message.ts';
import { BACKENDS } from '../support/valve.ts';
import { addressRecord, answerTo } from '../upstream/fake-server.ts';
import { FROM, NOERROR, NXDOMAIN, plain, queryFor, Rig, SERVFAIL } from './rig.ts';

const A = 1;
/** More than there are places for in all. */
const STUCK = 10_000;
const PER_STEP = 200;

describe.each(BACKENDS)('an upstream that does not answer one workload, %s sockets', (backend) => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.start(backend, (asked) => {
      if (asked.name.toLowerCase().includes('stuck')) return;
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));
    });
  });

  afterAll(async () => rig?.stop());

  async function served(client: Client, name: string): Promise<void> {
    const octets = await client.exchange(queryFor(plain(name), A));
    expect(readMessage(octets as Buffer).rcode, name).toBe(NOERROR);
  }

  it('ten thousand stuck questions of one workload hold up no other', async () => {
    const flood = await UdpClient.open(rig.valve, FROM.open);
    await rig.send('strict', 'udp', queryFor(plain('warm.allowed.test'), A));
    for (let sent = 0; sent < STUCK; sent += PER_STEP) {
      for (let i = sent; i < sent + PER_STEP; i++) {
        const query = queryFor(plain(`stuck${i}.test`), A);
        query.writeUInt16BE(20_000 + i, 0);
        flood.send(query);
      }
      // What was sent before has been taken when this is answered.
      expect(await flood.exchange(queryFor(plain('localhost'), A))).not.toBeNull();
    }
    for (const transport of TRANSPORTS) {
      const client = await openClient(transport, rig.valve, FROM.strict);
      for (let i = 0; i < 10; i++) await served(client, `new${i}-${transport}.allowed.test`);
      await served(client, 'warm.allowed.test');
      const denied = await client.exchange(queryFor(plain('evil.test'), A));
      expect(readMessage(denied as Buffer).rcode).toBe(NXDOMAIN);
      client.close();
    }
    // Whoever floods hears at once what there is no place for, rather than nothing.
    const shed = flood.unasked.map((octets) => readMessage(octets).rcode);
    expect(shed.length).toBeGreaterThan(STUCK / 2);
    expect(new Set(shed)).toEqual(new Set([SERVFAIL]));
    flood.close();
  });
});
