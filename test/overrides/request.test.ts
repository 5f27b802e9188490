/** What may be asked for, and who may decide. */

import { describe, expect, it } from 'vitest';
import { request } from '../../src/overrides/life.ts';
import { refuseNoApprover, refuseNoGlass, whoIs } from '../../src/overrides/people.ts';
import { type Asked, readHold, readRequest } from '../../src/overrides/request.ts';
import { ALICE, DAY, FakeClock, facts, HOUR, POLICY } from './people.ts';

const ASKED: Asked = { workload: 'pay', pattern: 'api.partner.example', for: '4h', reason: 'why' };

describe('a request', () => {
  it('becomes facts', () => {
    const asked = { ...ASKED, types: 'A,AAAA,A', ticket: 'CHG-1' };
    expect(readRequest(asked, POLICY)).toEqual({
      workload: 'pay',
      pattern: 'api.partner.example',
      types: [1, 28],
      overridesFeeds: false,
      reason: 'why',
      ticket: 'CHG-1',
      durationMs: 4 * HOUR,
      isBreakGlass: false,
      approveWithinMs: 7 * DAY,
    });
  });

  it('that breaks the glass has the time that the glass has', () => {
    const read = readRequest({ ...ASKED, now: true }, POLICY);
    expect(read).toMatchObject({ isBreakGlass: true, approveWithinMs: HOUR });
  });

  it('may stand above feeds where it says so', () => {
    const asked = { ...ASKED, pattern: 'evil.example', override_feeds: true };
    expect(readRequest(asked, POLICY).overridesFeeds).toBe(true);
  });

  it('has the longest time of its environment', () => {
    expect(readRequest({ ...ASKED, for: '24h' }, POLICY).durationMs).toBe(DAY);
    const web = readRequest({ ...ASKED, workload: 'web', for: '7d' }, POLICY);
    expect(web.durationMs).toBe(7 * DAY);
  });

  const refused: [string, Asked, string][] = [
    ['no workload', { workload: undefined }, 'workload "": not in the policy in force'],
    ['an unknown workload', { workload: 'payy' }, '(did you mean "pay"?)'],
    ['sources that no workload claims', { workload: 'unmapped' }, 'claim them in one first'],
    ['a public suffix', { pattern: '*.co.uk' }, 'too wide: "co.uk" is a public suffix'],
    ['a shared suffix', { pattern: '.github.io' }, 'accepted are names below it, like "host.git'],
    ['everything', { pattern: '*' }, 'names everything'],
    ['no normal form', { pattern: 'API.Partner.example.' }, 'use "api.partner.example"'],
    ['no pattern at all', { pattern: 7 }, 'a pattern is expected'],
    ['what a feed denies', { pattern: 'evil.example' }, 'denied to everybody by feed malware'],
    [
      'longer than its environment may',
      { for: '25h' },
      'pay (env prod) may have; accepted is up to 1d',
    ],
    ['no time', { for: undefined }, 'give how long, like 30m or 4h; accepted is up to 1d'],
    ['a time that is none', { for: 'tomorrow' }, 'accepted is up to 1d'],
    ['no time at all', { for: '0s' }, 'shorter than a second'],
    ['no reason', { reason: undefined }, 'say why'],
    ['a reason with control characters', { reason: 'a\u001b[2J' }, 'one line'],
    ['a reason without end', { reason: 'x'.repeat(301) }, '1 to 300 characters'],
    ['a type that is none', { types: 'A,NOPE' }, '"NOPE" is no type of data'],
    ['a type that is no data', { types: 'ANY' }, 'no type of data'],
  ];
  it.each(refused)('is refused for %s', (_what, over, message) => {
    expect(() => readRequest({ ...ASKED, ...over }, POLICY)).toThrow(message);
  });
});

describe('a quarantine', () => {
  it('is of a workload, with lifelines', () => {
    const asked = { workload: 'pay', lifelines: ['ntp.example', '.log.example'], for: '4h' };
    expect(readHold(asked, POLICY)).toMatchObject({
      workload: 'pay',
      pattern: null,
      lifelines: ['ntp.example', '.log.example'],
      durationMs: 4 * HOUR,
    });
  });

  it('is of a domain, with all below it where the name stands alone', () => {
    const texts = ['x.example', '*.x.example'].map(
      (domain) => readHold({ domain }, POLICY).pattern,
    );
    expect(texts).toEqual(['.x.example', '*.x.example']);
  });

  const refused: [string, Asked, string][] = [
    ['nothing', {}, 'give a workload, or --domain'],
    ['both', { workload: 'pay', domain: 'x.example' }, 'give a workload, or --domain'],
    ['an unknown workload', { workload: 'pya' }, 'did you mean "pay"'],
    ['sources that no workload claims', { workload: '(unmapped)' }, 'nobody knows who they are'],
    ['a top-level domain', { domain: 'com' }, 'a public suffix, not one domain'],
    [
      'a lifeline for a domain',
      { domain: 'x.example', lifelines: ['a.example'] },
      'only a workload',
    ],
    ['a lifeline that is too wide', { workload: 'pay', lifelines: ['*.com'] }, 'too wide'],
    ['a time that is none', { workload: 'pay', for: '4' }, 'accepted is 1s to 90d'],
  ];
  it.each(refused)('is refused for %s', (_what, asked, message) => {
    expect(() => readHold(asked, POLICY)).toThrow(message);
  });
});

describe('people', () => {
  const { record } = request(facts(), ALICE, new FakeClock().now());
  const ofWeb = { ...record, workload: 'web' };
  const rows: [string, number | null, typeof record, string | null][] = [
    ['an approver of the workload who did not ask', 1002, record, null],
    ['an approver for all where the workload names none', 1003, ofWeb, null],
    ['the requester', 1001, record, 'alice requested it; whoever requests an exception does not'],
    [
      'an approver of another workload',
      1003,
      record,
      'carol is no approver of pay; ask alice, bob',
    ],
    ['a user that is no person', 1004, record, 'uid 1004 is no approver of pay'],
    ['root, who is no person either', 0, record, 'uid 0 is no approver of pay'],
    ['a user that the system does not tell', null, record, 'the system does not say who asks'],
  ];
  it.each(rows)('%s', (_who, uid, about, refusal) => {
    const judge = (): void => refuseNoApprover(about, whoIs(uid, POLICY), POLICY);
    if (refusal === null) expect(judge).not.toThrow();
    else expect(judge).toThrow(refusal);
  });

  it('nobody approves where nobody is named', () => {
    const none = { ...POLICY, exceptions: { ...POLICY.exceptions, approvers: [] } };
    expect(() => refuseNoApprover(ofWeb, whoIs(1003, none), none)).toThrow(
      'name some as workloads.web.approvers or exceptions.approvers',
    );
  });

  it('the glass is broken by those who are named', () => {
    expect(() => refuseNoGlass(whoIs(1001, POLICY), POLICY)).not.toThrow();
    expect(() => refuseNoGlass(whoIs(1003, POLICY), POLICY)).toThrow('alice, bob may');
    expect(() => refuseNoGlass(whoIs(77, POLICY), POLICY)).toThrow('uid 77 may not');
  });
});
