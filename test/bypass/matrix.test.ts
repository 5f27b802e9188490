/**
 * Every way round the filter that is known, over UDP and TCP, from a cold store, from one that
 * others filled, and right after a reload that took away what had been allowed; on both backends.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRANSPORTS, type Transport } from '../support/client.ts';
import { BACKENDS } from '../support/valve.ts';
import { type Asked, addressRecord, answerTo } from '../upstream/fake-server.ts';
import {
  BLOCKED,
  NOERROR,
  NXDOMAIN,
  plain,
  queryFor,
  Rig,
  u16,
  type Workload,
  wire,
} from './rig.ts';
import { A, ADDRESSES, CHAINS, type Sections } from './ways-answers.ts';
import { ALLOWED, DENIED, MESSAGES } from './ways-messages.ts';
import { DENIED_NAMES, NOT_FORWARDED } from './ways-names.ts';

interface Attempt {
  readonly way: string;
  /** Who tries it. */
  readonly from: readonly Workload[];
  message(transport: Transport): Buffer;
  /** What it gets; null where any answer of our own will do. */
  readonly rcode: number | null;
  /** Extended error, where it is said; `chained` may be denied for its own reason. */
  readonly ede?: number;
  /** Whether the name itself may be asked upstream: the answer is what is tried. */
  readonly isAsked?: boolean;
}

/** What the upstream says to names whose answers are tried. */
const made = new Map<string, (qname: string) => Sections>();

const names = DENIED_NAMES.map(([what, labels]): Attempt => {
  const query = queryFor(wire(labels), A);
  return {
    way: `name: ${what}`,
    from: ['strict'],
    message: () => query,
    rcode: NXDOMAIN,
    ede: BLOCKED,
  };
});

const special = NOT_FORWARDED.map((name): Attempt => {
  const query = queryFor(plain(name), A);
  return { way: `special name: ${name}`, from: ['open'], message: () => query, rcode: null };
});

const messages = MESSAGES.map(([what, octets, rcode]): Attempt => {
  return { way: `message: ${what}`, from: ['strict'], message: () => octets, rcode };
});

const answers = [...CHAINS, ...ADDRESSES].map(({ rule, type, ede, make }, index): Attempt => {
  const nameOf = (transport: Transport): string => `${transport}${index}.allowed.test`;
  for (const transport of TRANSPORTS) made.set(nameOf(transport), make);
  return {
    way: `answer: ${rule}`,
    from: ['strict', 'open', 'chained'],
    message: (transport) => queryFor(plain(nameOf(transport)), type),
    rcode: NXDOMAIN,
    ede,
    isAsked: true,
  };
});

const ATTEMPTS = [...names, ...special, ...messages, ...answers];
const CELLS = ATTEMPTS.length * TRANSPORTS.length * 3;

function answer(asked: Asked): void {
  const qname = asked.name.toLowerCase();
  const sections = made.get(qname)?.(qname);
  const type = asked.question.readUInt16BE(asked.question.length - 4);
  const plainAnswer = type === A ? [addressRecord(1)] : [];
  const message = answerTo(asked, {
    answers: [...(sections?.answers ?? plainAnswer), ...(sections?.additionals ?? [])],
  });
  if (sections !== undefined) {
    message.set(u16(sections.answers.length, 0, sections.additionals?.length ?? 0), 6);
  }
  asked.reply(message);
}

describe.each(BACKENDS)(
  `${ATTEMPTS.length} ways round the filter, ${CELLS} attempts through %s sockets`,
  (backend) => {
    let rig: Rig;

    beforeAll(async () => {
      rig = await Rig.start(backend, answer);
    });

    afterAll(async () => rig?.stop());

    async function fails({ from, message, rcode, ede, isAsked }: Attempt): Promise<void> {
      const before = rig.upstream.asked.length;
      for (const transport of TRANSPORTS) {
        for (const workload of from) {
          const got = await rig.send(workload, transport, message(transport));
          const what = `${workload} over ${transport}`;
          if (rcode === null) {
            expect([NOERROR, NXDOMAIN], what).toContain(got.rcode);
            continue;
          }
          expect([got.rcode, got.answers], what).toEqual([rcode, []]);
          // Only a denial is ours to say with authority; no bit of the query's is copied.
          expect(got.flags & 0x0640, what).toBe(rcode === NXDOMAIN ? 0x0400 : 0);
          if (ede === undefined) continue;
          const allowed = workload === 'chained' ? [ede, BLOCKED] : [ede];
          expect(allowed, what).toContain(got.ede);
        }
      }
      const leaked = rig.upstream.asked.slice(before).map(({ name }) => name.toLowerCase());
      if (isAsked === true) expect(leaked.filter((name) => !made.has(name))).toEqual([]);
      else expect(leaked).toEqual([]);
    }

    describe('from a cold store', () => {
      it.each(ATTEMPTS)('$way', fails);
    });

    describe('from a store that other workloads filled', () => {
      beforeAll(async () => {
        for (const { message } of ATTEMPTS) await rig.send('open', 'udp', message('udp'));
        for (const type of [1, 16, 255]) {
          await rig.send('open', 'udp', queryFor(DENIED, type));
          await rig.send('strict', 'udp', queryFor(ALLOWED, type));
        }
      });

      it.each(ATTEMPTS)('$way', fails);
    });

    describe('right after a reload that took away what was allowed', () => {
      beforeAll(async () => {
        await rig.reload('open');
        let allowed = 0;
        for (const { message } of ATTEMPTS) {
          const got = await rig.send('strict', 'udp', message('udp'));
          if (got.rcode === NOERROR) allowed++;
        }
        // Or there would be nothing to take away.
        expect(allowed).toBeGreaterThan(DENIED_NAMES.length / 2);
        await rig.reload('enforce');
      });

      it.each(ATTEMPTS)('$way', fails);
    });
  },
);
