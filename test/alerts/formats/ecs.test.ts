/**
 * Against the field reference of the Elastic Common Schema 9.4: names, types, which fields are
 * arrays, the allowed values of event.kind, event.category, event.type and event.outcome, which
 * types a category expects, and the 1,024 characters beyond which a keyword is not indexed.
 */

import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ECS_VERSION, ecs } from '../../../src/alerts/formats/ecs.ts';
import { fitted } from '../../../src/alerts/formats/shared.ts';
import { plain } from '../../../src/alerts/text.ts';
import { alert, findingAlert } from '../sample.ts';
import { hostile, MACHINE, SAMPLES } from './samples.ts';

const KEYWORD_MAX = 1024;

/** Field: its type, with `[]` where the reference says that it should be an array. */
const FIELDS: Readonly<Record<string, string>> = {
  '@timestamp': 'date',
  message: 'text',
  'ecs.version': 'keyword',
  'event.kind': 'keyword',
  'event.category': 'keyword[]',
  'event.type': 'keyword[]',
  'event.outcome': 'keyword',
  'event.id': 'keyword',
  'event.code': 'keyword',
  'event.action': 'keyword',
  'event.severity': 'long',
  'event.reason': 'keyword',
  'event.module': 'keyword',
  'event.dataset': 'keyword',
  'event.provider': 'keyword',
  'event.start': 'date',
  'event.end': 'date',
  'log.level': 'keyword',
  'log.syslog.severity.code': 'long',
  'observer.vendor': 'keyword',
  'observer.product': 'keyword',
  'observer.type': 'keyword',
  'observer.version': 'keyword',
  'observer.hostname': 'keyword',
  'source.address': 'keyword',
  'source.ip': 'ip',
  'dns.type': 'keyword',
  'dns.question.name': 'keyword',
  'dns.question.registered_domain': 'keyword',
  'dns.question.type': 'keyword',
  'dns.question.class': 'keyword',
  'dns.answers': 'object[]',
  'dns.resolved_ip': 'ip[]',
  'related.ip': 'ip[]',
  'related.hosts': 'keyword[]',
  'rule.name': 'keyword',
  'rule.category': 'keyword',
  'threat.framework': 'keyword',
  'threat.technique.id': 'keyword[]',
  'threat.technique.subtechnique.id': 'keyword[]',
  labels: 'object',
};

const OUTCOMES = ['failure', 'success', 'unknown'];
/** Event types that a category expects. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  network: ['access', 'allowed', 'connection', 'denied', 'end', 'info', 'protocol', 'start'],
  intrusion_detection: ['allowed', 'denied', 'info'],
};

type Document = Readonly<Record<string, unknown>>;

/** Every leaf by its dotted name; what is ours and what has no fixed keys stands as it is. */
function* leaves(value: Document, prefix = ''): Generator<[string, unknown]> {
  for (const [key, child] of Object.entries(value)) {
    const name = `${prefix}${key}`;
    if (name === 'dnsvalve') continue;
    if (typeof child === 'object' && child !== null && !Array.isArray(child) && name !== 'labels') {
      yield* leaves(child as Document, `${name}.`);
    } else yield [name, child];
  }
}

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: (value) => typeof value === 'string' && value.length <= KEYWORD_MAX,
  text: (value) => typeof value === 'string',
  long: (value) => Number.isSafeInteger(value),
  ip: (value) => typeof value === 'string' && isIP(value) !== 0,
  date: (value) => typeof value === 'string' && new Date(value).toISOString() === value,
  object: (value) => typeof value === 'object' && value !== null,
};

function wrongFields(document: Document): string[] {
  return [...leaves(document)].flatMap(([name, value]) => {
    const type = FIELDS[name];
    if (type === undefined) return [`${name} is no field`];
    const isArray = type.endsWith('[]');
    if (Array.isArray(value) !== isArray) return [`${name} should be ${type}`];
    const check = CHECKS[type.replace('[]', '')] ?? (() => false);
    return [value].flat().every(check) ? [] : [`${name}: ${JSON.stringify(value)} is no ${type}`];
  });
}

interface Event {
  readonly kind: string;
  readonly category: string[];
  readonly type: string[];
  readonly outcome: string;
}

const read = (text: string) => JSON.parse(text) as Document & { readonly event: Event };

describe('ECS', () => {
  it.each(SAMPLES)('$name has the fields of the reference, in their types', ({ one }) => {
    expect(wrongFields(read(ecs(one, MACHINE)))).toEqual([]);
  });

  it.each(SAMPLES)('$name has values that the reference allows', ({ one }) => {
    const { event, ...rest } = read(ecs(one, MACHINE));
    expect(event.kind).toBe('alert');
    expect(OUTCOMES).toContain(event.outcome);
    for (const category of event.category) {
      expect(EXPECTED[category]).toEqual(expect.arrayContaining(event.type));
    }
    const dns = rest['dns'] as { type: string; answers?: { data: string }[] } | undefined;
    if (dns !== undefined) expect(['query', 'answer']).toContain(dns.type);
    for (const answer of dns?.answers ?? []) expect(isIP(answer.data)).not.toBe(0);
  });

  it.each(SAMPLES)('$name has what every document must have', ({ one }) => {
    const document = read(ecs(one, MACHINE));
    expect(document['@timestamp']).toBe(one.time);
    expect(document['ecs']).toEqual({ version: ECS_VERSION });
    expect(document['dnsvalve']).toMatchObject({ version: 1, count: one.count });
  });

  it('has labels that are texts, and nothing without a value', () => {
    const document = read(ecs(alert({ workload: 'build' }), MACHINE));
    expect(document['labels']).toEqual({ workload: 'build' });
    expect(JSON.stringify(document)).not.toMatch(/:(null|\[\]|\{\})/);
  });

  it('names technique and sub-technique apart', () => {
    expect(read(ecs(findingAlert(), MACHINE))['threat']).toEqual({
      framework: 'MITRE ATT&CK',
      technique: { id: ['T1071'], subtechnique: { id: ['T1071.004'] } },
    });
    const bypass = { ...alert(), technique: 'T1572' };
    expect(read(ecs(bypass, MACHINE))['threat']).toEqual({
      framework: 'MITRE ATT&CK',
      technique: { id: ['T1572'] },
    });
  });

  it('stays in the reference, and gives back any text that was put in', () => {
    let addresses = 0;
    fc.assert(
      fc.property(hostile, (one) => {
        const line = fitted(one, 1e9, (safe) => ecs(safe, MACHINE));
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        const document = read(line);
        expect(wrongFields(document)).toEqual([]);
        const labels = document['labels'] as { workload?: string } | undefined;
        expect(labels?.workload ?? null).toBe(one.workload === null ? null : plain(one.workload));
        if (document['source'] !== undefined) addresses++;
      }),
      { seed: 20_261_125, numRuns: 300 },
    );
    expect(addresses).toBeGreaterThan(100); // guard against a vacuous pass
  });
});
