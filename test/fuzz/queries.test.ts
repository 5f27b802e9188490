/** Mutated queries through the whole of decide: whatever arrives, what leaves is a fit response. */

import dnsPacket from 'dns-packet';
import { beforeAll, describe, expect, it } from 'vitest';
import { decide } from '../../src/pipeline.ts';
import { DROP, FORWARD, RESPOND } from '../../src/query.ts';
import { rcodeToText } from '../../src/wire/text.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { Valve } from '../support/replay-valve.ts';
import { hold, mutate, Random, word } from './mutate.ts';
import { filesOf, SEEDS } from './world.ts';

const ROUNDS = 200_000;
/** One response in so many is read by dns-packet as well, which is slow. */
const SECOND_OPINION = 20;

const FILES = filesOf({ api: '10.1.0.0/16', open: '10.2.0.0/16' }, '192.0.2.53');

let valve: Valve;

beforeAll(async () => {
  valve = await Valve.open(FILES);
  const client = { from: '10.1.0.7', octets: buildQuery({ name: 'www.example.com' }) };
  valve.send(client);
  const asked = valve.asked[0];
  if (asked === undefined) throw new Error('upstream was not asked');
  const long = `www.example.com. 60 TXT "${'y'.repeat(200)}"`;
  valve.answer(
    asked,
    answerTo('www.example.com', 'A', { answer: ['www.example.com. 60 A 192.0.2.1', long] }),
  );
});

/** What every response owes to its query. */
function check(query: Uint8Array, response: Buffer, limit: number, isTcp: boolean): string {
  hold(response.length <= limit, 'no longer than the client takes');
  const message = readMessage(response);
  const isCut = (message.flags & 0x0200) !== 0;
  hold(message.id === word(query, 0), 'the id');
  hold((message.flags & 0x8000) !== 0, 'QR');
  hold((message.flags & 0x7910) === (word(query, 2) & 0x7910), 'opcode, RD and CD are copied');
  hold((message.flags & 0x0040) === 0, 'Z is clear');
  const echoed = query.subarray(12, 12 + message.question.length);
  hold(message.question.equals(echoed), 'the question octet for octet');
  if (message.opt === null) hold(message.ede === null, 'no EDE without OPT');
  else hold(message.opt.version === 0 && message.opt.size === 1232, 'our own OPT');
  hold(!isCut || !isTcp, 'no TC over TCP');
  return `${rcodeToText(message.rcode)}${isCut ? ' cut' : ''}`;
}

describe('mutated queries', () => {
  it(`${ROUNDS} of them: no throw, and each response is fit`, () => {
    const random = new Random(20261123);
    const outcomes = new Map<string, number>();
    const octets = new Uint8Array(2048);
    const { memory, forwarder } = valve;
    for (let round = 0; round < ROUNDS; round++) {
      const length = mutate(random.pick(SEEDS), random.pick([0, 2, 12, 12, 12]), octets, random);
      const overTcp = random.next(4) === 0;
      const from = random.pick(['10.1.0.7', '10.1.0.7', '10.2.0.7', '192.0.2.200']);
      const query = valve.aim({ from, octets, overTcp });
      query.end = length;
      const verdict = decide(query, forwarder.tables, memory);
      let outcome = verdict === DROP ? 'drop' : 'forward';
      if (verdict === RESPOND) {
        const response = Buffer.from(query.out.slice(0, query.outLength));
        outcome = check(octets, response, overTcp ? 65535 : query.udpSize, overTcp);
        if (round % SECOND_OPINION === 0) dnsPacket.decode(response);
      } else hold(verdict === DROP || verdict === FORWARD, 'a verdict');
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    const wanted = [
      'NOERROR',
      'NXDOMAIN',
      'FORMERR',
      'NOTIMP',
      'REFUSED',
      'BADVERS',
      'NOERROR cut',
      'drop',
      'forward',
    ];
    for (const outcome of wanted)
      expect([outcome, (outcomes.get(outcome) ?? 0) > 50]).toEqual([outcome, true]);
    expect(valve.faults).toEqual([]);
  }, 120_000);
});
