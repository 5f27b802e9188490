/** `TXT _why.<name>`: what a workload is told about itself, and that nothing of it leaves. */

import { beforeEach, describe, expect, it } from 'vitest';
import { NO_OVERRIDES, type Overrides } from '../../src/overrides/override.ts';
import { isPlain } from '../../src/policy/why.ts';
import { RESPOND } from '../../src/query.ts';
import { explainName } from '../../src/server/snapshot.ts';
import { TYPE_A } from '../../src/wire/constants.ts';
import { rcodeToText } from '../../src/wire/text.ts';
import { drain } from '../events/reading.ts';
import {
  exception,
  HandClocks,
  over,
  quarantineDomain,
  quarantineOf,
} from '../overrides/support.ts';
import { buildQuery, type Message, readMessage } from '../support/message.ts';
import { compileFiles, Valve } from '../support/replay-valve.ts';
import { wireName } from './support.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
deny_ttl: 20s
feeds: { bad: { source: [listed.example], category: malware } }
everyone: { deny: [.banned.example] }
workloads:
  api:
    owner: team-api
    sources: [10.1.0.0/16]
    allow: [.example.com, { name: typed.example, types: [TXT] }]
    deny: [old.example.com]
  short: { env: prod, sources: [10.5.0.0/16] }
  quiet: { sources: [10.2.0.0/16], answer: refused }
  trying: { sources: [10.3.0.0/16], mode: report }
  careful: { sources: [10.4.0.0/16], mode: open, fail_open: true }
unmapped: { mode: open }
exceptions: { max: { prod: 90m, default: 2d } }
`;

const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
let valve: Valve;

beforeEach(() => {
  valve = new Valve(snapshot);
});

const FROM = {
  api: '10.1.0.7',
  quiet: '10.2.0.7',
  trying: '10.3.0.7',
  careful: '10.4.0.7',
};

function ask(name: string, options: Partial<{ from: string; type: string; size: number }> = {}) {
  const { from = FROM.api, type = 'TXT', size = 1232 } = options;
  const edns = size === 0 ? {} : { edns: { size } };
  const { client, verdict } = valve.send({ from, octets: buildQuery({ name, type, ...edns }) });
  expect(verdict).toBe(RESPOND);
  return readMessage(valve.response(client) ?? Buffer.alloc(0));
}

/** The strings of each record, joined as whoever reads TXT joins them. */
function lines({ answers }: Message): string[] {
  return answers.map(({ rdata }) => {
    const octets = Buffer.from(rdata, 'hex');
    let text = '';
    for (let at = 0; at < octets.length; at += 1 + (octets[at] ?? 0)) {
      text += octets.toString('utf8', at + 1, at + 1 + (octets[at] ?? 0));
    }
    return text;
  });
}

const ASK_API = /; ask team-api, policy: \S*main\.yaml:\d+$/;
const REQUEST = 'to ask: dnsvalve exception request';
const EVERYBODY =
  'it is denied for everybody; ask who keeps that list, or for an exception with --override-feeds';

const denied: { name: string; about: string; says: RegExp; next: string }[] = [
  {
    name: 'what no list names: the mode, the owner and the command',
    about: 'www.other.example',
    says: /^api: not in its allowlist; ask/,
    next: `${REQUEST} api www.other.example --for 4h --reason TEXT`,
  },
  {
    name: 'what its own deny names: the rule, and the command',
    about: 'old.example.com',
    says: /^api: denied by \S*main\.yaml:\d+ deny old\.example\.com; ask/,
    next: `${REQUEST} api old.example.com --for 4h --reason TEXT`,
  },
  {
    name: 'what everyone.deny names: the rule, and that no exception opens it',
    about: 'a.banned.example',
    says: /^api: denied by \S*main\.yaml:\d+ everyone\.deny \.banned\.example; ask/,
    next: EVERYBODY,
  },
  {
    name: 'what a feed lists: the feed and its entry',
    about: 'x.listed.example',
    says: /^api: denied by .*bad.*, entry listed\.example; ask/,
    next: EVERYBODY,
  },
  {
    name: 'a name below _why itself',
    about: '_why.x.test',
    says: /^api: not in its allowlist/,
    next: `${REQUEST} api _why.x.test --for 4h --reason TEXT`,
  },
];

describe('a denied name', () => {
  it.each(denied)('$name', ({ about, says, next }) => {
    const message = ask(`_why.${about}`);
    expect([rcodeToText(message.rcode), message.flags & 0x0480]).toEqual(['NOERROR', 0x0480]);
    const [first = '', second] = lines(message);
    expect(first).toMatch(says);
    expect(first).toMatch(ASK_API);
    expect(second).toBe(next);
    expect(new Set(message.answers.map(({ ttl }) => ttl))).toEqual(new Set([20]));
  });

  it('says the same as the EDE of the denial, which points to it', () => {
    const { edeText } = ask('www.other.example', { type: 'A' });
    const [first = ''] = lines(ask('_why.www.other.example'));
    expect(edeText).toBe(`${first}; see TXT _why.www.other.example`);
  });

  it.each(denied)('explain gives the same command: $name', ({ about, next }) => {
    const said = explainName(snapshot, wireName(about), TYPE_A, 1);
    expect(said.request === '' ? EVERYBODY : `to ask: ${said.request}`).toBe(next);
    expect(said.ask).toMatch(/^ask team-api, policy: /);
  });

  it('is told whatever its denials are answered with', () => {
    const message = ask('_why.x.test', { from: FROM.quiet });
    expect(lines(message)[0]).toMatch(/^quiet: not in its allowlist; policy: \S*main\.yaml:\d+$/);
  });

  it('has no command where no rule could name it', () => {
    for (const name of ['a\\032b.test', 'a\\.b.test', '192.0.2.1', 'a\\"$\\(x\\).test']) {
      expect(lines(ask(`_why.${name}`))).toHaveLength(1);
      expect(explainName(snapshot, wireName(name), TYPE_A, 1).request).toBe('');
    }
  });

  it('of any case is asked for in lower case', () => {
    expect(lines(ask('_WHY.WWW.Test'))[1]).toBe(`${REQUEST} api www.test --for 4h --reason TEXT`);
  });

  it('says when the type may matter', () => {
    expect(lines(ask('_why.typed.example')).at(-1)).toMatch(/^this is about type A;/);
    expect(lines(ask('_why.www.other.example'))).toHaveLength(2);
  });
});

describe('a name that is let through', () => {
  it('has the rule that lets it through', () => {
    expect(lines(ask('_why.www.example.com'))[0]).toMatch(
      /^api: allowed by \S*main\.yaml:\d+ allow \.example\.com$/,
    );
    expect(lines(ask('_why.a.localhost'))[0]).toBe('api: allowed, a local zone holds it');
  });

  it('by its mode only, has what enforce would say', () => {
    const [first, second] = lines(ask('_why.www.example.com', { from: FROM.trying }));
    expect(first).toMatch(/^trying: not in its allowlist; policy: /);
    expect(second).toBe('let through by its mode only; enforce would deny it');
  });
});

describe('what is over the policy for a time', () => {
  function putOver(overrides: Partial<Overrides>): void {
    const clocks = new HandClocks();
    clocks.wall = valve.clock.wallMs;
    clocks.nowMs = valve.clock.nowMs;
    valve.swap(over(snapshot, { ...NO_OVERRIDES, ...overrides }, clocks));
  }

  it('an exception is what lets a name through, and its end ends the TTL', () => {
    const until = valve.clock.wallMs + 5000;
    putOver({ exceptions: [exception({ open: 'www.other.example' }, until)] });
    const message = ask('_why.www.other.example');
    expect(lines(message)[0]).toBe('api: allowed by exception ex-1 www.other.example');
    expect(message.answers.every(({ ttl }) => ttl <= 5)).toBe(true);
    expect(lines(ask('_why.x.other.example'))[0]).toMatch(/^api: not in its allowlist/);
  });

  it('a quarantine is told, and that only its release opens it', () => {
    putOver({ quarantines: [quarantineOf('api'), quarantineDomain('.evil.test')] });
    const release = 'only the release of the quarantine opens it';
    const own = lines(ask('_why.www.example.com'));
    expect(own).toEqual([expect.stringMatching(/^api: .*quarantine q-1 of api; ask/), release]);
    const other = lines(ask('_why.a.evil.test', { from: FROM.careful }));
    expect(other).toEqual([expect.stringMatching(/^careful: .*quarantine q-2 of/), release]);
  });
});

describe('the label _why', () => {
  it('never goes upstream, is not recorded as a sight of the name, and is counted as local', () => {
    for (const from of Object.values(FROM)) {
      for (const type of ['TXT', 'A', 'ANY', 'HTTPS']) {
        ask('_why.www.example.com', { from, type });
        ask('_why.www.other.example', { from, type });
      }
    }
    valve.memory.ledger.flush();
    expect([valve.asked, drain(valve.ring), valve.counter('local')]).toEqual([[], [], 32]);
  });

  it('has no other type: no data, with the deny TTL', () => {
    const { rcode, answers, authorities } = ask('_why.www.other.example', { type: 'A' });
    expect([rcodeToText(rcode), answers.length]).toEqual(['NOERROR', 0]);
    expect(authorities.map(({ type, ttl }) => [type, ttl])).toEqual([['SOA', 20]]);
    expect(ask('_why.x.test', { type: 'ANY' }).answers.map(({ type }) => type)).toEqual(['HINFO']);
  });

  it('tells a source that nobody claims nothing, in an open mode too', () => {
    const message = ask('_why.www.example.com', { from: '192.0.2.200' });
    expect([rcodeToText(message.rcode), message.ede, message.answers]).toEqual(['REFUSED', 18, []]);
    expect(message.edeText).toBe('(unmapped): no workload claims this source address');
    expect(valve.asked).toEqual([]);
  });

  it('alone, or not as the first label, is a name like any other', () => {
    for (const name of ['_why', 'x._why.test', '_whyx.test', '_wh.y.test']) {
      expect(rcodeToText(ask(name).rcode)).toBe('NXDOMAIN');
    }
  });

  it('is refused when deciding fails by a defect, for a workload with fail_open too', () => {
    const vet = (): never => {
      throw new Error('a defect');
    };
    Object.defineProperty(valve.forwarder.tables.reputation, 'vet', { value: vet });
    expect(rcodeToText(ask('_why.x.test', { from: FROM.careful }).rcode)).toBe('SERVFAIL');
    expect(valve.asked).toEqual([]);
  });
});

describe('the command that asks', () => {
  it('asks for no longer than the environment may have, in explain too', () => {
    const [, command] = lines(ask('_why.x.test', { from: '10.5.0.7' }));
    expect(command).toBe(`${REQUEST} short x.test --for 90m --reason TEXT`);
    const { workloads } = snapshot.config;
    const number = workloads.findIndex(({ name }) => name === 'short') + 1;
    const { request } = explainName(snapshot, wireName('x.test'), TYPE_A, number);
    expect(`to ask: ${request}`).toBe(command);
  });
});

describe('what does not fit', () => {
  const long = Array(14).fill('y'.repeat(15)).join('.');

  it('is truncated for a client of 512 octets, and whole by TCP', () => {
    const short = ask(`_why.${long}`, { size: 0 });
    expect([short.answers.length, short.flags & 0x0200]).toEqual([0, 0x0200]);
    const octets = buildQuery({ name: `_why.${long}`, type: 'TXT' });
    const { client } = valve.send({ from: FROM.api, octets, overTcp: true });
    const whole = readMessage(valve.response(client) ?? Buffer.alloc(0));
    expect(lines(whole)[1]).toBe(`${REQUEST} api ${long} --for 4h --reason TEXT`);
  });

  it('is a name of the greatest length all the same', () => {
    const name = [63, 63, 63, 56].map((size) => 'z'.repeat(size)).join('.');
    const [, command = ''] = lines(ask(`_why.${name}`));
    expect(command).toBe(`${REQUEST} api ${name} --for 4h --reason TEXT`);
    expect(command.length).toBeGreaterThan(255);
  });
});

describe('a name that stands in a rule and in a shell as it is', () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ['example', true],
    ['a-b_c.x1.example', true],
    ['1.2.example', true],
    ['1.example.2x', true],
    ['a\\032b.example', false],
    ['a\\.b.example', false],
    ['*.example', false],
    ['a;b.example', false],
    // It would be read as an address, or as the end of one.
    ['10.0.0.1', false],
    ['example.7', false],
    ['.', false],
  ];
  it.each(rows)('%s: %s', (text, isAsItIs) => expect(isPlain(wireName(text))).toBe(isAsItIs));
});
