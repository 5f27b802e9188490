/**
 * Against the published schema of OCSF 1.8.0 (ocsf-rules.ts): required attributes, attributes of
 * which one must be given, types, and the numbers of every enumeration; nothing that is unknown.
 */

import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ocsf } from '../../../src/alerts/formats/ocsf.ts';
import { fitted } from '../../../src/alerts/formats/shared.ts';
import { plain } from '../../../src/alerts/text.ts';
import { alert, findingAlert } from '../sample.ts';
import { OCSF } from './ocsf-rules.ts';
import { hostile, MACHINE, SAMPLES } from './samples.ts';

type Value = Readonly<Record<string, unknown>>;

const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isSafeInteger,
  timestamp: (value) => Number.isSafeInteger(value) && Number(value) > 1e12, // milliseconds
  ip: (value) => typeof value === 'string' && isIP(value) !== 0,
  any: () => true,
};

function wrong(value: Value, object: string, path = object): string[] {
  const { required, atLeastOne, attributes } = OCSF[object] ?? { required: [], attributes: {} };
  const missing = required.filter((name) => !(name in value)).map((name) => `${path}: no ${name}`);
  if (atLeastOne?.every((name) => !(name in value))) missing.push(`${path}: one is required`);
  return [
    ...missing,
    ...Object.entries(value).flatMap(([name, child]) =>
      wrongAttribute(child, attributes[name], `${path}.${name}`),
    ),
  ];
}

function wrongAttribute(
  value: unknown,
  type: string | readonly number[] | undefined,
  path: string,
): string[] {
  if (type === undefined) return [`${path} is unknown`];
  if (typeof type !== 'string') {
    return type.includes(value as number) ? [] : [`${path}: ${value} is not of the enumeration`];
  }
  if (type.endsWith('[]')) {
    if (!Array.isArray(value)) return [`${path} is no array`];
    return value.flatMap((one: unknown) => wrongAttribute(one, type.slice(0, -2), path));
  }
  const check = SCALARS[type];
  if (check !== undefined) return check(value) ? [] : [`${path}: ${value} is no ${type}`];
  return typeof value === 'object' ? wrong(value as Value, type, path) : [`${path} is no object`];
}

function wrongEvent(event: Value): string[] {
  const { class_uid: kind, type_uid: type, activity_id: activity } = event;
  const isTyped = type === Number(kind) * 100 + Number(activity);
  return [...(isTyped ? [] : ['type_uid']), ...wrong(event, String(kind))];
}

const read = (text: string) => JSON.parse(text) as Value;

describe('OCSF', () => {
  it.each(SAMPLES)('$name follows the schema', ({ one }) => {
    expect(wrongEvent(read(ocsf(one, MACHINE)))).toEqual([]);
  });

  it.each(SAMPLES)('$name has the class of what it is about', ({ one }) => {
    const isPast = one.type === 'retro-hit';
    const isActivity = one.qname !== null && one.detector === null && !isPast;
    expect(read(ocsf(one, MACHINE))['class_uid']).toBe(isActivity ? 4003 : 2004);
  });

  it('about a query of nobody is a finding, which needs no endpoint', () => {
    const event = read(ocsf({ ...alert(), source: null, workload: null }, MACHINE));
    expect([event['class_uid'], wrongEvent(event)]).toEqual([2004, []]);
  });

  it.each([
    { verdict: 'allowed', want: [1, 1, 1] },
    { verdict: 'denied', want: [2, 2, 2] },
    { verdict: 'failed', want: [1, 27, 2] },
  ] as const)('$verdict is an action, a disposition and a status', ({ verdict, want }) => {
    const event = read(ocsf({ ...alert(), verdict }, MACHINE));
    expect(['action_id', 'disposition_id', 'status_id'].map((name) => event[name])).toEqual(want);
  });

  it('a query with its answer is traffic, one without is a query', () => {
    const of = (answers: string[]) => read(ocsf(alert({ answers }), MACHINE))['type_uid'];
    expect([of(['192.0.2.1']), of([])]).toEqual([400306, 400301]);
  });

  it('counts only where it stands for several', () => {
    const repeats = alert({ counts: { denied: 3 }, isNew: false, firstMs: alertMs() - 5_000 });
    const event = read(ocsf(repeats, MACHINE));
    expect([event['count'], Number(event['end_time']) - Number(event['start_time'])]).toEqual([
      3, 5_000,
    ]);
    expect(read(ocsf(alert(), MACHINE))).not.toHaveProperty('count');
  });

  it('is worse where syslog is', () => {
    const severities = Array.from({ length: 8 }, (_, severity) =>
      Number(read(ocsf({ ...alert(), severity }, MACHINE))['severity_id']),
    );
    expect(severities).toEqual([6, 5, 5, 4, 3, 2, 1, 1]);
  });

  it('a finding says what found it, by what, and with which technique', () => {
    const event = read(ocsf(findingAlert({ denied: true }), MACHINE));
    expect(event['finding_info']).toMatchObject({
      analytic: { name: 'tunnel', type_id: 3 },
      attacks: [{ technique: { uid: 'T1071' }, sub_technique: { uid: 'T1071.004' } }],
      types: ['tunnel'],
    });
    expect(event['evidences']).toMatchObject([
      { query: { hostname: 'www.partner.example' }, data: { new_names: 31, odd_type: 'TXT' } },
    ]);
    expect(event['resources']).toEqual([
      { name: 'payments-api', type: 'workload', owner: { name: 'team-payments' } },
    ]);
  });

  it('stays in the schema, and gives back any text that was put in', () => {
    let activities = 0;
    fc.assert(
      fc.property(hostile, (one) => {
        const line = fitted(one, 1e9, (safe) => ocsf(safe, MACHINE));
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        const event = read(line);
        expect(wrongEvent(event)).toEqual([]);
        const { workload } = event['unmapped'] as { workload?: string };
        expect(workload ?? null).toBe(one.workload === null ? null : plain(one.workload));
        if (event['class_uid'] === 4003) activities++;
      }),
      { seed: 20_261_125, numRuns: 300 },
    );
    expect(activities).toBeGreaterThan(50); // guard against a vacuous pass
  });
});

function alertMs(): number {
  return Date.parse(alert().time);
}
