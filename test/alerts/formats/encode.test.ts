import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encoderFor } from '../../../src/alerts/formats/encode.ts';
import { PACKET_MAX, rfc3164 } from '../../../src/alerts/formats/rfc3164.ts';
import { cut, fitted, thisMachine } from '../../../src/alerts/formats/shared.ts';
import { MESSAGE_MAX } from '../../../src/alerts/rfc5424.ts';
import { type FORMATS, formatsOf } from '../../../src/config/formats.ts';
import { alert, findingAlert } from '../sample.ts';
import { hostile, MACHINE, SAMPLES } from './samples.ts';

const strict = new TextDecoder('utf-8', { fatal: true });
const KINDS = ['syslog-udp', 'syslog-tcp', 'unix', 'file', 'https'] as const;
const DOCUMENT_MAX = 65_536;
const PAIRS = KINDS.flatMap((kind) => formatsOf(kind).map((format) => ({ kind, format })));

function encode(kind: (typeof KINDS)[number], format: (typeof FORMATS)[number]) {
  const write = encoderFor({ kind, format, facility: 20 }, MACHINE);
  return (one: Parameters<typeof write>[0]) => strict.decode(write(one));
}

describe('every format on every kind of sink', () => {
  it.each(PAIRS)('$format on $kind is one record, printable and bounded', ({ kind, format }) => {
    const write = encode(kind, format);
    let long = 0;
    fc.assert(
      fc.property(hostile, (one) => {
        const record = write(one);
        const line = kind === 'file' ? record.slice(0, -1) : record;
        if (kind === 'file') expect(record.at(-1)).toBe('\n');
        const max = kind === 'file' || kind === 'https' ? DOCUMENT_MAX : MESSAGE_MAX;
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(max);
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        if (Buffer.byteLength(JSON.stringify(one)) > MESSAGE_MAX) long++;
      }),
      { seed: 20_261_125, numRuns: 60 },
    );
    expect(long).toBeGreaterThan(4); // guard against a vacuous pass
  });

  it.each(PAIRS.filter(({ format }) => ['json', 'ecs', 'ocsf'].includes(format)))(
    '$format on $kind is a whole document, however long its texts are',
    ({ kind, format }) => {
      const write = encode(kind, format);
      fc.assert(
        fc.property(hostile, (one) => {
          const record = write(one);
          const document = record.startsWith('<')
            ? record.slice(record.indexOf('] {') + 2)
            : record;
          expect(typeof JSON.parse(document)).toBe('object');
          expect(record).toContain(one.id);
        }),
        { seed: 20_261_126, numRuns: 30 },
      );
    },
  );
});

describe('frames', () => {
  it.each([
    {
      name: 'RFC 5424 with structured data',
      format: 'rfc5424',
      want: /^<163>1 2026-11-23T12:00:00\.000Z gw1\.example dnsvalve 42 tunnel \[dnsvalve@32473 /,
    },
    {
      name: 'RFC 3164 with a tag, and a host without its domain',
      format: 'rfc3164',
      want: /^<163>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d gw1 dnsvalve\[42\]: tunnel [-0-9a-f]{36}: w/,
    },
    {
      name: 'CEF behind the header of RFC 3164, without a tag',
      format: 'cef',
      want: /^<163>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d gw1 CEF:0\|dnsvalve\|/,
    },
    ...(['json', 'ecs', 'ocsf'] as const).map((format) => ({
      name: `${format} as the message of RFC 5424, with a sequence number`,
      format,
      want: /^<163>1 2026-11-23T12:00:00\.000Z gw1\.example dnsvalve 42 tunnel \[meta sequenceId="1"\] \{"/,
    })),
  ] as const)('$name', ({ format, want }) => {
    expect(encode('syslog-tcp', format)(findingAlert())).toMatch(want);
  });

  it('number the documents of a sink', () => {
    const write = encode('unix', 'ocsf');
    const ids = [1, 2].map(() => /sequenceId="(\d+)"/.exec(write(alert()))?.[1]);
    expect(ids).toEqual(['1', '2']);
  });

  it.each(['json', 'cef', 'ecs', 'ocsf'] as const)('%s in a file has none', (format) => {
    expect(encode('file', format)(alert())).toMatch(/^(\{"|CEF:0\|).*\n$/);
  });

  it.each(['json', 'ecs', 'ocsf'] as const)('%s over HTTPS has no line end', (format) => {
    expect(encode('https', format)(alert())).toMatch(/^\{".*\}$/);
  });

  it('JSON is the document itself', () => {
    for (const { one } of SAMPLES) expect(JSON.parse(encode('file', 'json')(one))).toEqual(one);
  });

  it('name this machine and this program when nothing else is said', () => {
    const { pid, version, hostname } = thisMachine();
    expect(pid).toBe(process.pid);
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(hostname).not.toBe('');
  });
});

describe('RFC 3164', () => {
  it('has the local time, a blank before a day below ten', () => {
    const one = { ...alert(), time: '2026-12-05T03:04:05.000Z' };
    const [, month, day, , clock] = new Date(one.time).toString().split(' ');
    const shown = `${month} ${String(Number(day)).padStart(2, ' ')} ${clock}`;
    expect(rfc3164(one, MACHINE, 3)).toContain(`<29>${shown} gw1 `);
  });

  it('keeps an address that stands for a host name', () => {
    expect(rfc3164(alert(), { ...MACHINE, hostname: '192.0.2.1' }, 3)).toContain(' 192.0.2.1 ');
  });

  it('has seven bits a character and 1,024 octets at most', () => {
    fc.assert(
      fc.property(hostile, (one) => {
        const packet = rfc3164(one, MACHINE, 20);
        expect(packet).toMatch(/^[\x20-\x7e]*$/);
        expect(packet.length).toBeLessThanOrEqual(PACKET_MAX);
      }),
      { seed: 20_261_127, numRuns: 200 },
    );
    expect(rfc3164({ ...alert(), reason: 'é' }, MACHINE, 3)).toContain('\\u00e9');
  });
});

describe('what does not fit', () => {
  const long = { ...alert(), reason: 'r'.repeat(1_000), rule: 'x'.repeat(1_000) };

  it('loses the ends of its texts, and shows it', () => {
    const one = JSON.parse(fitted(long, 2_500, JSON.stringify)) as typeof long;
    expect(one.reason).toBe(`${'r'.repeat(255)}…`);
    expect(one).toMatchObject({ id: long.id, time: long.time, qname: long.qname });
  });

  it('loses nothing while it fits', () => {
    expect(JSON.parse(fitted(long, 8_192, JSON.stringify))).toEqual(long);
  });

  it('never has half a character', () => {
    expect(cut('😀😀', 2).isWellFormed()).toBe(true);
  });
});
