/** Precedence of exceptions and quarantines: one row per sentence. */

import { beforeAll, describe, expect, it } from 'vitest';
import {
  REASON_CHAIN,
  REASON_DOMAIN_QUARANTINE,
  REASON_EVERYONE_ALLOW,
  REASON_EXCEPTION,
  REASON_EXCEPTION_OVER_FEEDS,
  REASON_FEED,
  REASON_GLOBAL_DENY,
  REASON_LIFELINE,
  REASON_MODE,
  REASON_QUARANTINE,
  REASON_UNMAPPED,
  REASON_WORKLOAD_ALLOW,
  REASON_WORKLOAD_DENY,
} from '../../src/events/kinds.ts';
import type { Overrides } from '../../src/overrides/override.ts';
import { authorize, globallyDenied, isNamed } from '../../src/policy/authorize.ts';
import { Decision } from '../../src/policy/decision.ts';
import type { Snapshot } from '../../src/server/snapshot.ts';
import { Tables } from '../../src/tables.ts';
import { TYPE_A, TYPE_AAAA, TYPE_TXT } from '../../src/wire/constants.ts';
import { zoneKind } from '../../src/zones/kind.ts';
import { wireName } from '../policy/support.ts';
import { compileFiles } from '../support/replay-valve.ts';
import {
  type ExceptionSketch,
  exception,
  HandClocks,
  HOUR_MS,
  over,
  quarantineDomain,
  quarantineOf,
} from './support.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
feeds:
  bad: { source: [listed.test], category: malware }
everyone: { allow: [.shared.test], deny: [.banned.test] }
zones: []
workloads:
  api:
    sources: [10.1.0.0/16]
    allow: [.allowed.test]
    deny: [old.allowed.test, .denied.test]
  web: { sources: [10.2.0.0/16], mode: report, allow: [.allowed.test] }
  free: { sources: [10.3.0.0/16], mode: open }
unmapped: { mode: open }
`;
const NUMBERS: Readonly<Record<string, number>> = { unmapped: 0, api: 1, web: 2, free: 3 };

let base: Snapshot;
beforeAll(async () => {
  base = await compileFiles({ 'main.yaml': CONFIG }, 1);
});

interface Row {
  readonly name: string;
  readonly open?: readonly ExceptionSketch[];
  readonly closed?: Overrides['quarantines'];
  readonly from?: string;
  readonly qname: string;
  readonly qtype?: number;
  readonly want: 'allow' | 'deny' | 'would-deny';
  readonly reason: number;
  /** What the rule's text holds; nothing where there is none. */
  readonly rule?: string;
}

const clocks = new HandClocks();

function tablesOf(overrides: Overrides): Tables {
  const tables = new Tables(over(base, overrides, clocks).memory);
  tables.overrides.begin({ wallMs: clocks.wall, nowMs: clocks.nowMs });
  return tables;
}

function decide(tables: Tables, qname: string, workload: number, qtype = TYPE_A): Decision {
  const decision = new Decision();
  const name = wireName(qname);
  const zone = zoneKind(name, tables.zones.find(name), tables.zones);
  authorize(name, qtype, workload, tables, zone, decision);
  return decision;
}

function run(row: Row): void {
  const tables = tablesOf({
    exceptions: (row.open ?? []).map((sketch) => exception(sketch, clocks.wall + HOUR_MS)),
    quarantines: row.closed ?? [],
  });
  const decision = decide(tables, row.qname, NUMBERS[row.from ?? 'api'] ?? 0, row.qtype);
  const verdict = decision.allowed === 0 ? 'deny' : decision.wouldDeny ? 'would-deny' : 'allow';
  expect({ verdict, reason: decision.reason }).toEqual({ verdict: row.want, reason: row.reason });
  const rule = tables.rules.text(decision.rule);
  if (row.rule === undefined) expect(rule).toBe('');
  else expect(rule).toContain(row.rule);
}

const ROWS: readonly Row[] = [
  {
    name: '4: an exception opens what no rule names',
    open: [{ open: 'new.test' }],
    qname: 'new.test',
    want: 'allow',
    reason: REASON_EXCEPTION,
    rule: 'exception ex-1 new.test',
  },
  {
    name: '4: for its own workload only',
    open: [{ open: 'new.test', workload: 'web' }],
    qname: 'new.test',
    want: 'deny',
    reason: REASON_MODE,
  },
  {
    name: '4: `x` is that name only',
    open: [{ open: 'new.test' }],
    qname: 'a.new.test',
    want: 'deny',
    reason: REASON_MODE,
  },
  {
    name: '4: `*.x` is what is below it',
    open: [{ open: '*.new.test' }],
    qname: 'a.b.new.test',
    want: 'allow',
    reason: REASON_EXCEPTION,
    rule: 'ex-1',
  },
  {
    name: '4: `*.x` is not x',
    open: [{ open: '*.new.test' }],
    qname: 'new.test',
    want: 'deny',
    reason: REASON_MODE,
  },
  {
    name: '4: an exception with types is for these',
    open: [{ open: 'new.test', types: [TYPE_A, TYPE_AAAA] }],
    qname: 'new.test',
    qtype: TYPE_AAAA,
    want: 'allow',
    reason: REASON_EXCEPTION,
    rule: 'ex-1',
  },
  {
    name: '4: and for no other',
    open: [{ open: 'new.test', types: [TYPE_A, TYPE_AAAA] }],
    qname: 'new.test',
    qtype: TYPE_TXT,
    want: 'deny',
    reason: REASON_MODE,
  },
  {
    name: "4 before 5: an exception goes before the workload's deny",
    open: [{ open: 'old.allowed.test' }],
    qname: 'old.allowed.test',
    want: 'allow',
    reason: REASON_EXCEPTION,
    rule: 'ex-1',
  },
  {
    name: '4 after 3: an exception does not lift a feed',
    open: [{ open: 'listed.test' }],
    qname: 'listed.test',
    want: 'deny',
    reason: REASON_FEED,
    rule: 'bad',
  },
  {
    name: '4 after 3: nor what everyone is denied',
    open: [{ open: '.banned.test' }],
    qname: 'x.banned.test',
    want: 'deny',
    reason: REASON_GLOBAL_DENY,
    rule: 'everyone.deny',
  },
  {
    name: '2 before 3: one that overrides feeds does',
    open: [{ open: 'listed.test', overridesFeeds: true }],
    qname: 'listed.test',
    want: 'allow',
    reason: REASON_EXCEPTION_OVER_FEEDS,
    rule: 'ex-1',
  },
  {
    name: '2 before 3: and lifts what everyone is denied',
    open: [{ open: 'x.banned.test', overridesFeeds: true }],
    qname: 'x.banned.test',
    want: 'allow',
    reason: REASON_EXCEPTION_OVER_FEEDS,
    rule: 'ex-1',
  },
  {
    name: '2 before 4: of two, the one above feeds is named',
    open: [{ open: 'new.test' }, { id: 'ex-2', open: 'new.test', overridesFeeds: true }],
    qname: 'new.test',
    want: 'allow',
    reason: REASON_EXCEPTION_OVER_FEEDS,
    rule: 'ex-2',
  },
  {
    name: '4: the longest pattern is named',
    open: [{ open: '.test' }, { id: 'ex-2', open: '*.new.test' }],
    qname: 'a.new.test',
    want: 'allow',
    reason: REASON_EXCEPTION,
    rule: 'ex-2',
  },
  {
    name: '4: at the name itself the exact one',
    open: [{ open: '.new.test' }, { id: 'ex-2', open: 'new.test' }],
    qname: 'new.test',
    want: 'allow',
    reason: REASON_EXCEPTION,
    rule: 'ex-2',
  },
  {
    name: '4: in report mode it is an allow, not a would-deny',
    open: [{ open: 'new.test', workload: 'web' }],
    from: 'web',
    qname: 'new.test',
    want: 'allow',
    reason: REASON_EXCEPTION,
    rule: 'ex-1',
  },
  {
    name: '9: without it the mode decides',
    open: [{ open: 'new.test', workload: 'web' }],
    from: 'web',
    qname: 'other.test',
    want: 'would-deny',
    reason: REASON_MODE,
  },
  {
    name: '6: what the lists allow is not touched by exceptions for other names',
    open: [{ open: 'new.test' }],
    qname: 'a.allowed.test',
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow .allowed.test',
  },
  {
    name: 'an exception of a workload that is not there opens nothing',
    open: [{ open: '.test', workload: 'gone' }],
    qname: 'new.test',
    want: 'deny',
    reason: REASON_MODE,
  },
  {
    name: '1: a workload in quarantine resolves nothing',
    closed: [quarantineOf('api')],
    qname: 'a.allowed.test',
    want: 'deny',
    reason: REASON_QUARANTINE,
    rule: 'quarantine q-1 of api',
  },
  {
    name: '1: in any mode',
    closed: [quarantineOf('free')],
    from: 'free',
    qname: 'a.allowed.test',
    want: 'deny',
    reason: REASON_QUARANTINE,
    rule: 'q-1',
  },
  {
    name: '1: not what everyone may have either, nor local names',
    closed: [quarantineOf('api')],
    qname: 'localhost',
    want: 'deny',
    reason: REASON_QUARANTINE,
    rule: 'q-1',
  },
  {
    name: '1: others are not touched',
    closed: [quarantineOf('web')],
    qname: 'a.shared.test',
    want: 'allow',
    reason: REASON_EVERYONE_ALLOW,
    rule: 'everyone.allow',
  },
  {
    name: '1 before 2: no exception opens a quarantine',
    open: [
      { open: '.test', overridesFeeds: true },
      { id: 'ex-2', open: '.test' },
    ],
    closed: [quarantineOf('api')],
    qname: 'a.allowed.test',
    want: 'deny',
    reason: REASON_QUARANTINE,
    rule: 'q-1',
  },
  {
    name: '1: a lifeline resolves, whether or not the lists have it',
    closed: [quarantineOf('api', ['*.edr.test'])],
    qname: 'eu.edr.test',
    want: 'allow',
    reason: REASON_LIFELINE,
    rule: 'q-1',
  },
  {
    name: "1: also what the workload's deny has",
    closed: [quarantineOf('api', ['.denied.test'])],
    qname: 'denied.test',
    want: 'allow',
    reason: REASON_LIFELINE,
    rule: 'q-1',
  },
  {
    name: '1: what is no lifeline does not',
    closed: [quarantineOf('api', ['*.edr.test'])],
    qname: 'edr.test',
    want: 'deny',
    reason: REASON_QUARANTINE,
    rule: 'q-1',
  },
  {
    name: '1, 3: a lifeline lifts no feed',
    closed: [quarantineOf('api', ['.listed.test'])],
    qname: 'listed.test',
    want: 'deny',
    reason: REASON_FEED,
    rule: 'bad',
  },
  {
    name: '1, 3: nor what everyone is denied, whatever exceptions say',
    open: [{ open: '.banned.test', overridesFeeds: true }],
    closed: [quarantineOf('api', ['.banned.test'])],
    qname: 'banned.test',
    want: 'deny',
    reason: REASON_GLOBAL_DENY,
    rule: 'everyone.deny',
  },
  {
    name: '1: of two quarantines both must have the lifeline',
    closed: [quarantineOf('api', ['.edr.test', 'a.test']), quarantineOf('api', ['a.test'], 'q-3')],
    qname: 'edr.test',
    want: 'deny',
    reason: REASON_QUARANTINE,
    rule: 'q-3',
  },
  {
    name: '1: when both have it, it resolves',
    closed: [quarantineOf('api', ['.edr.test', 'a.test']), quarantineOf('api', ['a.test'], 'q-3')],
    qname: 'a.test',
    want: 'allow',
    reason: REASON_LIFELINE,
    rule: 'q-3',
  },
  {
    name: '1: a domain in quarantine is denied to everybody',
    closed: [quarantineDomain('.allowed.test')],
    qname: 'a.allowed.test',
    want: 'deny',
    reason: REASON_DOMAIN_QUARANTINE,
    rule: 'quarantine q-2 of .allowed.test',
  },
  {
    name: '1: in any mode, too',
    closed: [quarantineDomain('.allowed.test')],
    from: 'free',
    qname: 'allowed.test',
    want: 'deny',
    reason: REASON_DOMAIN_QUARANTINE,
    rule: 'q-2',
  },
  {
    name: '1: also to a source that no workload claims',
    closed: [quarantineDomain('.allowed.test')],
    from: 'unmapped',
    qname: 'allowed.test',
    want: 'deny',
    reason: REASON_UNMAPPED,
    rule: 'q-2',
  },
  {
    name: '1: whose other names go on as before',
    closed: [quarantineDomain('.allowed.test')],
    from: 'unmapped',
    qname: 'other.test',
    want: 'would-deny',
    reason: REASON_UNMAPPED,
  },
  {
    name: '1 before 2: no exception opens a domain in quarantine',
    open: [{ open: 'a.allowed.test', overridesFeeds: true }],
    closed: [quarantineDomain('.allowed.test')],
    qname: 'a.allowed.test',
    want: 'deny',
    reason: REASON_DOMAIN_QUARANTINE,
    rule: 'q-2',
  },
  {
    name: '1: no lifeline does either',
    closed: [quarantineDomain('.allowed.test'), quarantineOf('api', ['a.allowed.test'])],
    qname: 'a.allowed.test',
    want: 'deny',
    reason: REASON_DOMAIN_QUARANTINE,
    rule: 'q-2',
  },
  {
    name: '5: with overrides in force the lists go on',
    open: [{ open: 'new.test' }],
    closed: [quarantineDomain('bad.test'), quarantineOf('web')],
    qname: 'old.allowed.test',
    want: 'deny',
    reason: REASON_WORKLOAD_DENY,
    rule: 'deny old.allowed.test',
  },
];

describe('precedence of overrides', () => {
  it.each(ROWS)('$name', run);

  it('a label with a dot inside is no name of an exception', () => {
    const tables = tablesOf({
      exceptions: [exception({ open: 'a.new.test' }, clocks.wall + HOUR_MS)],
      quarantines: [],
    });
    expect(decide(tables, 'a\\.new.test', 1).allowed).toBe(0);
    expect(decide(tables, 'A.NEW.test', 1).allowed).toBe(1);
  });

  it('a lifeline is told from the label on at which it begins', () => {
    const tables = tablesOf({ exceptions: [], quarantines: [quarantineOf('api', ['*.edr.test'])] });
    expect(decide(tables, 'a.eu.edr.test', 1).matchedLabel).toBe(2);
  });

  it('the target of a chain is denied when its domain is in quarantine', () => {
    const tables = tablesOf({ exceptions: [], quarantines: [quarantineDomain('.cdn.test')] });
    const decision = new Decision();
    expect(globallyDenied(wireName('x.cdn.test'), TYPE_A, tables, decision)).toBe(true);
    expect(decision.reason).toBe(REASON_CHAIN);
    expect(tables.rules.text(decision.rule)).toBe('quarantine q-2 of .cdn.test');
    expect(globallyDenied(wireName('x.other.test'), TYPE_A, tables, new Decision())).toBe(false);
  });

  it('an exception for the very name is a decision of a person about it', () => {
    const tables = tablesOf({
      exceptions: [
        exception({ open: 'new.test' }, clocks.wall + HOUR_MS),
        exception({ id: 'ex-2', open: '*.wide.test' }, clocks.wall + HOUR_MS),
      ],
      quarantines: [],
    });
    expect(isNamed(decide(tables, 'new.test', 1))).toBe(true);
    expect(isNamed(decide(tables, 'a.wide.test', 1))).toBe(false);
  });
});

describe('the end of an exception', () => {
  const until = clocks.wall + HOUR_MS;
  const ask = (tables: Tables, wallMs: number, nowMs: number): number => {
    tables.overrides.begin({ wallMs, nowMs });
    return decide(tables, 'new.test', 1).allowed;
  };
  const open = (): Tables =>
    tablesOf({ exceptions: [exception({ open: 'new.test' }, until)], quarantines: [] });
  const { wall, nowMs } = clocks;

  it('it is open until the last millisecond, and then no more', () => {
    const tables = open();
    expect(ask(tables, until - 1, nowMs + HOUR_MS - 1)).toBe(1);
    expect(ask(tables, until, nowMs + HOUR_MS)).toBe(0);
  });

  it('it ends by the wall clock, when that is put forward', () => {
    expect(ask(open(), until, nowMs + 1)).toBe(0);
  });

  it('it ends by the monotonic clock, when the wall clock is put back or stands still', () => {
    const tables = open();
    expect(ask(tables, wall - 10 * HOUR_MS, nowMs + HOUR_MS - 1)).toBe(1);
    expect(ask(tables, wall - 10 * HOUR_MS, nowMs + HOUR_MS)).toBe(0);
  });

  it('once ended it stays ended, whatever the clock does later, for all who share the tables', () => {
    const snapshot = over(
      base,
      { exceptions: [exception({ open: 'new.test' }, until)], quarantines: [] },
      clocks,
    );
    const one = new Tables(snapshot.memory);
    const other = new Tables(snapshot.memory);
    expect(ask(other, wall, nowMs)).toBe(1);
    expect(ask(one, until + 1, nowMs + 5)).toBe(0);
    expect(ask(one, wall, nowMs + 6)).toBe(0);
    expect(ask(other, wall, nowMs + 7)).toBe(0);
  });

  it('who never said what time it is has no exception', () => {
    const tables = new Tables(
      over(base, { exceptions: [exception({ open: 'new.test' }, until)], quarantines: [] }, clocks)
        .memory,
    );
    expect(decide(tables, 'new.test', 1).allowed).toBe(0);
    // And takes it from nobody.
    expect(ask(tables, wall, nowMs)).toBe(1);
  });

  it('when the longer pattern has ended, the wider one that has not is named', () => {
    const tables = tablesOf({
      exceptions: [
        exception({ open: 'new.test' }, wall + 1000),
        exception({ id: 'ex-2', open: '.test' }, until),
      ],
      quarantines: [],
    });
    const ruleAt = (passed: number): string => {
      tables.overrides.begin({ wallMs: wall + passed, nowMs: nowMs + passed });
      return tables.rules.text(decide(tables, 'new.test', 1).rule);
    };
    expect(ruleAt(999)).toContain('ex-1');
    expect(ruleAt(1000)).toContain('ex-2');
    expect(ruleAt(HOUR_MS)).toBe('');
  });
});
