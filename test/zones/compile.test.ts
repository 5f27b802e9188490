import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ForwardRule, LocalZone } from '../../src/config/types.ts';
import { ProblemsError } from '../../src/errors.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { Zones } from '../../src/zones/answer.ts';
import { loadZones } from '../../src/zones/compile.ts';
import { answerOf, ask } from './messages.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples/zones');
const at = { file: 'dnsvalve.yaml', line: 3, col: 5 };

function localZone(name: string, file: string, more: Partial<LocalZone> = {}): LocalZone {
  return { name, wire: nameToWire(name), file, private: false, at, ...more };
}

function forward(suffix: string): ForwardRule {
  return { suffix, wire: nameToWire(suffix), upstream: 'u', internal: false, at };
}

const SVC = localZone('svc.example', join(EXAMPLES, 'svc.example.zone'));

describe('zones of a configuration', () => {
  it('the example zone, the built-in ones, and a forward rule inside of each', () => {
    const config = { zones: [SVC], forward: ['.', 'old.svc.example', 'corp.local'].map(forward) };
    const zones = new Zones(loadZones(config));
    const said = (name: string, type: string): string | undefined =>
      answerOf(zones, ask(name, type))?.answers.join(', ');
    expect(said('Billing.svc.example', 'A')).toBe('Billing.svc.example 300 A c000020a');
    expect(said('invoices.svc.example', 'AAAA')).toMatch(/CNAME billing.*AAAA 2001/);
    expect(said('acme.tenants.svc.example', 'A')).toMatch(/c0000214$/);
    expect(said('legacy.tenants.svc.example', 'A')).toMatch(/c0000215$/);
    expect(said('_grpc._tcp.billing.svc.example', 'SRV')).toMatch(/ SRV 000a003c20fb07/);
    expect(said('web.svc.example', 'HTTPS')).toMatch(/ HTTPS 000100/);
    expect(said('beacon.svc.example', 'TYPE65280')).toMatch(/c0000201$/);
    expect(said('localhost', 'A')).toBe('localhost 10800 A 7f000001');
    expect(said('x.old.svc.example', 'A')).toBeUndefined();
    expect(said('x.corp.local', 'A')).toBeUndefined();
    expect(said('www.example', 'A')).toBeUndefined();
  });

  it('a private zone is marked', () => {
    const zones = new Zones(loadZones({ zones: [{ ...SVC, private: true }], forward: [] }));
    expect(zones.isPrivate(0)).toBe(true);
    expect(zones.text(0)).toBe('zone svc.example (examples/zones/svc.example.zone)');
  });

  it('the problems of all files at once; a file that cannot be read is the configuration’s', () => {
    const wrong = localZone('other.example', SVC.file);
    const missing = localZone('gone.example', join(EXAMPLES, 'gone.zone'));
    try {
      loadZones({ zones: [wrong, SVC, missing], forward: [] });
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(ProblemsError);
      const lines = (thrown as Error).message.split('\n');
      expect(lines[0]).toContain('svc.example.zone:5:1: svc.example is not in other.example');
      expect(lines.at(-1)).toMatch(/^dnsvalve.yaml:3:5: zones: reading zone file examples.*ENOENT/);
    }
  });

  it('crosses threads as it is, memory shared', () => {
    const memory = loadZones({ zones: [SVC], forward: [] });
    const copy = structuredClone(memory);
    expect(copy.octets.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(answerOf(new Zones(copy), ask('billing.svc.example', 'A'))?.rcode).toBe('NOERROR');
  });
});
