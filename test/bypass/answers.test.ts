/**
 * What an allowed answer may hold and what of it is given out, to workloads that differ, and when a
 * reload denies what a stored answer leads to. What is denied at once is in matrix.test.ts.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/client.ts';
import { BACKENDS } from '../support/valve.ts';
import { type Asked, answerTo } from '../upstream/fake-server.ts';
import { BLOCKED, NOERROR, NXDOMAIN, plain, queryFor, Rig, record, type Workload } from './rig.ts';
import {
  A,
  alias,
  DENIED,
  HTTPS,
  INTERNAL,
  OTHER,
  PUBLIC,
  QNAME,
  type Sections,
  service,
} from './ways-answers.ts';

/** What an allowed answer keeps: of more than that, nothing is given out. */
const SHED: readonly { rule: string; type: number; make: () => Sections; kept: number }[] = [
  {
    rule: 'an internal address in the additional section',
    type: A,
    make: () => ({
      answers: [record(QNAME, A, PUBLIC)],
      additionals: [record(QNAME, A, INTERNAL), record(OTHER, A, INTERNAL)],
    }),
    kept: 1,
  },
  {
    rule: 'the address of a denied name beside an HTTPS record',
    type: HTTPS,
    make: () => ({
      answers: [service(HTTPS, OTHER)],
      additionals: [record(OTHER, A, INTERNAL), record(DENIED, A, PUBLIC)],
    }),
    kept: 1,
  },
  {
    rule: 'a record about another name among the answers',
    type: A,
    make: () => ({ answers: [record(QNAME, A, PUBLIC), record(DENIED, A, PUBLIC)] }),
    kept: 1,
  },
  {
    rule: 'an internal address of another name among the answers',
    type: A,
    make: () => ({ answers: [record(OTHER, A, INTERNAL), record(QNAME, A, PUBLIC)] }),
    kept: 1,
  },
];

describe.each(BACKENDS)('answers through %s sockets', (backend) => {
  let rig: Rig;
  const made = new Map<string, (qname: string) => Sections>();

  const answer = (asked: Asked): void => {
    const qname = asked.name.toLowerCase();
    const { answers, additionals = [] } = made.get(qname)?.(qname) ?? { answers: [] };
    const message = answerTo(asked, { answers: [...answers, ...additionals] });
    message.writeUInt16BE(answers.length, 6);
    message.writeUInt16BE(additionals.length, 10);
    asked.reply(message);
  };

  beforeAll(async () => {
    rig = await Rig.start(backend, answer);
  });

  afterAll(async () => rig?.stop());

  /** A name below allowed.test whose answer is what `make` says. */
  function nameFor(make: (qname: string) => Sections): string {
    const qname = `n${made.size}.allowed.test`;
    made.set(qname, make);
    return qname;
  }

  async function isDenied(qname: string, type: number, ede: number): Promise<void> {
    for (const workload of ['strict', 'open', 'chained'] as Workload[]) {
      for (const transport of TRANSPORTS) {
        const got = await rig.send(workload, transport, queryFor(plain(qname), type));
        expect([got.rcode, got.ede, got.answers], `${workload} ${transport}`).toEqual([
          NXDOMAIN,
          workload === 'chained'
            ? expect.toSatisfy((code) => code === ede || code === BLOCKED)
            : ede,
          [],
        ]);
      }
    }
  }

  it.each(SHED)('$rule is not given out, nor served later', async ({ type, make, kept: count }) => {
    const qname = nameFor(make);
    for (const transport of [...TRANSPORTS, ...TRANSPORTS]) {
      const got = await rig.send('strict', transport, queryFor(plain(qname), type));
      expect([got.rcode, got.answers.length, got.authorities, got.additionals]).toEqual([
        NOERROR,
        count,
        [],
        [],
      ]);
      expect(got.answers[0]?.owner.toLowerCase()).toBe(qname);
    }
    const later = await rig.send('open', 'udp', queryFor(OTHER, A));
    expect(later.answers).toEqual([]);
  });

  it('a workload that has its chains inspected is denied what leads to names of nobody', async () => {
    const qname = nameFor((own) => ({
      answers: [alias(own, 'a.cdn.test'), record(plain('a.cdn.test'), A, PUBLIC)],
    }));
    for (const transport of [...TRANSPORTS, ...TRANSPORTS]) {
      const query = queryFor(plain(qname), A);
      expect((await rig.send('chained', transport, query)).rcode).toBe(NXDOMAIN);
      expect((await rig.send('strict', transport, query)).answers).toHaveLength(2);
    }
  });

  it('a target that a reload denies is denied at once, also in stored answers', async () => {
    const qname = nameFor((own) => ({
      answers: [alias(own, 'later.cdn.test'), record(plain('later.cdn.test'), A, PUBLIC)],
    }));
    const query = queryFor(plain(qname), A);
    expect((await rig.send('strict', 'udp', query)).answers).toHaveLength(2);
    await rig.reload('enforce', ['later.cdn.test']);
    const leaked = await rig.leaked(() => isDenied(qname, A, BLOCKED));
    expect(leaked).toEqual([]);
  });
});
