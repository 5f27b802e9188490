import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operationalAlert } from '../../src/alerts/alert.ts';
import {
  escapeValue,
  headerName,
  MESSAGE_MAX,
  messageEncoder,
  sentence,
} from '../../src/alerts/rfc5424.ts';
import { FLAG_UNMAPPED } from '../../src/events/kinds.ts';
import { alert, type Facts, T0 } from './sample.ts';

const OPTIONS = { facility: 20, hostname: 'gw1', pid: 42 } as const;

function text(octets: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(octets);
}

interface Parsed {
  readonly header: string;
  readonly params: Map<string, string>;
  readonly message: string;
}

/** A strict reader of the grammar in RFC 5424 section 6, independent of the writer. */
function parse(line: string): Parsed {
  const header = /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) /.exec(line);
  if (header === null) throw new Error(`no header: ${line}`);
  let at = header[0].length;
  const params = new Map<string, string>();
  while (line[at] === '[') {
    const element = /\[([\x21-\x7e]{1,32})/y;
    element.lastIndex = at;
    const id = element.exec(line)?.[1] ?? '';
    if (/[=\]"]/.test(id)) throw new Error(`bad SD-ID ${id}`);
    at = element.lastIndex;
    const param = / ([^\s=\]"]{1,32})="((?:[^"\\\]]|\\["\\\]])*)"/y;
    for (;;) {
      param.lastIndex = at;
      const found = param.exec(line);
      if (found === null) break;
      params.set(`${id} ${found[1]}`, (found[2] ?? '').replace(/\\(["\\\]])/g, '$1'));
      at = param.lastIndex;
    }
    if (line[at] !== ']') throw new Error(`no end of ${id} at ${at}: ${line}`);
    at++;
  }
  if (line[at] !== ' ') throw new Error(`no MSG at ${at}: ${line}`);
  return { header: header[0].trimEnd(), params, message: line.slice(at + 1) };
}

describe('values', () => {
  it.each([
    { name: 'plain text stays', text: 'www.example', want: 'www.example' },
    { name: 'a quote is escaped', text: 'a"b', want: 'a\\"b' },
    { name: 'a backslash is escaped', text: 'a\\b', want: 'a\\\\b' },
    { name: 'a closing bracket is escaped', text: 'a]b', want: 'a\\]b' },
    { name: 'an opening bracket is not', text: 'a[b', want: 'a[b' },
  ])('$name', ({ text, want }) => expect(escapeValue(text)).toBe(want));

  it.each([
    { name: 'a host name stays', text: 'gw1.example', want: 'gw1.example' },
    { name: 'what is not printable ASCII is left out', text: 'gw 1\u00e9\n', want: 'gw1' },
    { name: 'nothing is the nil value', text: ' ', want: '-' },
    { name: 'it has at most 255 octets', text: 'a'.repeat(300), want: 'a'.repeat(255) },
  ])('host name: $name', ({ text, want }) => expect(headerName(text)).toBe(want));
});

describe('message', () => {
  it('has the header of RFC 5424 with facility and severity', () => {
    const { header } = parse(text(messageEncoder(OPTIONS)(alert())));
    expect(header).toBe('<165>1 2026-11-23T12:00:00.000Z gw1 dnsvalve 42 new-destination');
  });

  it('carries the fields as structured data and leaves out what is not known', () => {
    const one = alert({ answers: ['192.0.2.1', '2001:db8::1'] });
    const { params } = parse(text(messageEncoder(OPTIONS)(one)));
    expect(Object.fromEntries(params)).toEqual({
      'dnsvalve@32473 version': '1',
      'dnsvalve@32473 id': one.id,
      'dnsvalve@32473 type': 'new-destination',
      'dnsvalve@32473 severity': '5',
      'dnsvalve@32473 verdict': 'allowed',
      'dnsvalve@32473 would_deny': 'false',
      'dnsvalve@32473 mode': 'enforce',
      'dnsvalve@32473 count': '1',
      'dnsvalve@32473 first_seen': '2026-11-23T12:00:00.000Z',
      'dnsvalve@32473 policy_revision': '7',
      'dnsvalve@32473 source': '10.20.1.4',
      'dnsvalve@32473 qtype': 'A',
      'dnsvalve@32473 workload': 'payments-api',
      'dnsvalve@32473 registrable_domain': 'partner.example',
      'dnsvalve@32473 qname': 'www.partner.example',
      'dnsvalve@32473 owner': 'team-payments',
      'dnsvalve@32473 env': 'prod',
      'dnsvalve@32473 answers': '192.0.2.1,2001:db8::1',
      'dnsvalve@32473 reason': 'allowed for the workload',
      'dnsvalve@32473 rule': 'dnsvalve.yaml:12:9 *.partner.example',
      'dnsvalve@32473 examples': 'www.partner.example',
      'meta sequenceId': '1',
    });
  });

  it('counts its messages, each encoder for itself', () => {
    const encode = messageEncoder(OPTIONS);
    const ids = [1, 2, 3].map(() => parse(text(encode(alert()))).params.get('meta sequenceId'));
    expect(ids).toEqual(['1', '2', '3']);
    expect(parse(text(messageEncoder(OPTIONS)(alert()))).params.get('meta sequenceId')).toBe('1');
  });

  it('stays readable for a strict reader, printable and bounded, whatever the texts are', () => {
    const any = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({
        unit: fc.constantFrom('"', '\\', ']', '[', '\n', '\u0000', 'é', '😀'),
        minLength: 700,
        maxLength: 1_500,
        size: 'max',
      }),
    );
    const facts = fc.record({
      workload: any,
      qname: any,
      registrable: any,
      rule: any,
      source: any,
    });
    let clipped = 0;
    fc.assert(
      fc.property(facts, (one: Facts) => {
        const octets = messageEncoder(OPTIONS)(alert(one));
        const line = text(octets);
        expect(octets.length).toBeLessThanOrEqual(MESSAGE_MAX);
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        const { params } = parse(line);
        expect(params.get('dnsvalve@32473 type')).toBe('new-destination');
        if (octets.length > MESSAGE_MAX - 600) clipped++;
      }),
      { seed: 20_261_123, numRuns: 300 },
    );
    expect(clipped).toBeGreaterThan(5); // guard against a vacuous pass
  });
});

describe('the sentence says who, what and why', () => {
  it.each([
    {
      name: 'a new destination',
      one: alert(),
      want: 'workload payments-api (10.20.1.4) asked for a new destination: www.partner.example A, allowed: allowed for the workload',
    },
    {
      name: 'several queries',
      one: alert({ isNew: false, counts: { denied: 3 } }),
      want: 'workload payments-api (10.20.1.4) was denied: www.partner.example A, denied: allowed for the workload, 3 queries',
    },
    {
      name: 'an unmapped source has no workload',
      one: alert({ flags: FLAG_UNMAPPED, counts: { denied: 1 } }),
      want: 'source 10.20.1.4 belongs to no workload and asked for: www.partner.example A, denied: allowed for the workload',
    },
    {
      name: 'an upstream',
      one: operationalAlert('upstream-down', 'corp', { reason: 'no server answers', atMs: T0 }),
      want: 'corp is down: no server answers',
    },
    {
      name: 'a thread that died',
      one: operationalAlert('worker-restarted', 'worker 1', { reason: 'Error: x', atMs: T0 }),
      want: 'worker 1 died and was started anew: Error: x',
    },
    {
      name: 'a store that is not written',
      one: operationalAlert('storage-down', 'history', { reason: 'disk full', atMs: T0 }),
      want: 'history is not written, or was not: disk full',
    },
  ])('$name', ({ one, want }) => expect(sentence(one)).toBe(want));
});
