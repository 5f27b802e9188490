/** Validators behind the valve, and a validating recursive server in front of it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOnce, type Endpoint, TRANSPORTS } from '../support/client.ts';
import { CD, RD } from '../support/message.ts';
import { lacks, makeFolder, removeFolder, run } from '../support/processes.ts';
import { type Server, startNsd, startUnbound } from '../support/servers.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { absolute, OWNED, signZone } from './zones.ts';

const AD = 0x0020;
const LOOPBACK = '127.0.0.1';
const ORIGINS = ['nsec.example', 'nsec3.example'] as const;

/** A valve that asks one server for everything. */
function valveBefore(server: Endpoint, backend: (typeof BACKENDS)[number]): Promise<Valve> {
  return Valve.start({
    backend,
    config: `upstreams: { signed: { servers: ["127.0.0.1:${server.port}"] } }
forward: { example: signed }
workloads: { client: { sources: [127.0.0.1/32], mode: open } }
`,
  });
}

const isMissing = lacks('nsd', 'delv', 'unbound', 'dnssec-signzone');

describe.skipIf(isMissing).each(BACKENDS)('DNSSEC through %s sockets', (backend) => {
  let folder = '';
  let anchors = '';
  let nsd: Server;
  let recursive: Server;
  let valve: Valve;
  let behindRecursive: Valve;
  const validators = new Map<string, Server>();

  beforeAll(async () => {
    folder = makeFolder();
    const nsec = signZone(folder, ORIGINS[0], 'nsec');
    const nsec3 = signZone(folder, ORIGINS[1], 'nsec3');
    const keys = [
      [ORIGINS[0], nsec.key],
      [ORIGINS[1], nsec3.key],
    ] as const;
    anchors = join(folder, 'anchors.conf');
    writeFileSync(anchors, `trust-anchors {\n${keys.map(anchorOfDelv).join('')}};\n`);
    nsd = await startNsd({ [ORIGINS[0]]: nsec.file, [ORIGINS[1]]: nsec3.file });
    valve = await valveBefore(nsd, backend);
    const trusted = keys
      .map(([zone, key]) => `  trust-anchor: "${zone}. DNSKEY ${key}"\n`)
      .join('');
    for (const transport of TRANSPORTS) {
      const way = `  tcp-upstream: ${transport === 'tcp' ? 'yes' : 'no'}\n`;
      const forward = `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${valve.port}`;
      validators.set(transport, await startUnbound(`${way}${trusted}${forward}`, ORIGINS[0]));
    }
    const stubs = ORIGINS.map(
      (zone) => `stub-zone:\n  name: ${zone}\n  stub-addr: 127.0.0.1@${nsd.port}\n`,
    );
    recursive = await startUnbound(`${trusted}${stubs.join('')}`, ORIGINS[0]);
    behindRecursive = await valveBefore(recursive, backend);
  });

  afterAll(async () => {
    for (const part of [...validators.values(), behindRecursive, recursive, valve, nsd]) {
      await part?.stop();
    }
    removeFolder(folder);
  });

  const rows = ORIGINS.flatMap((origin) =>
    TRANSPORTS.map((transport) => ({ origin, transport }) as const),
  );

  describe.each(rows)('$origin over $transport', ({ origin, transport }) => {
    const delv = (name: string, type: string): Promise<string> =>
      run('delv', [
        '@127.0.0.1',
        ...['-p', String(valve.port), '-a', anchors],
        ...[`+root=${origin}`, '+nomtrace', transport === 'tcp' ? '+tcp' : '+notcp'],
        ...[absolute(name, origin), type],
      ]).then(({ said }) => said);

    it.each([
      ['a', 'A'],
      ['opaque', 'TYPE65280'],
      ['c3', 'A'],
      ['x.y.wild', 'TXT'],
      ['big', 'TXT'],
      ['@', 'DNSKEY'],
    ])('delv validates %s %s', async (name, type) => {
      const said = await delv(name, type);
      expect(said).toContain('; fully validated');
      expect(said).not.toContain('unsigned');
    });

    it.each([
      ['missing', 'A'],
      ['x.y.missing', 'TXT'],
      ['a', 'AAAA'],
      ['x.wild', 'AAAA'],
    ])('delv validates that there is no %s %s', async (name, type) => {
      expect(await delv(name, type)).toContain('; negative response, fully validated');
    });

    it('unbound behind the valve validates every name', async () => {
      const validator = validators.get(transport) as Server;
      const edns = { dnssecOk: true };
      const small = OWNED.filter(([name, type]) => name !== 'out' && type !== 'RRSIG');
      for (const [name, type] of [...small, ['missing', 'A'], ['x.wild', 'MX']] as const) {
        const shape = { name: absolute(name, origin), type, edns };
        const response = await askOnce('tcp', validator, LOOPBACK, shape);
        expect([shape.name, type, response.rcode], response.edeText).toEqual([
          shape.name,
          type,
          name === 'missing' ? 3 : 0,
        ]);
        expect(response.flags & AD, `${shape.name} ${type}`).toBe(AD);
      }
    });

    it('names resolve through a recursive server, signatures for those who want them', async () => {
      for (const dnssecOk of [true, false]) {
        for (const flags of [RD, RD | CD]) {
          const shape = { name: `a.${origin}`, flags, edns: { dnssecOk } };
          const response = await askOnce(transport, behindRecursive, LOOPBACK, shape);
          expect(response.rcode).toBe(0);
          const types = response.answers.map(({ type }) => type).sort();
          expect(types).toEqual(dnssecOk ? ['A', 'A', 'RRSIG'] : ['A', 'A']);
          // RFC 6840 5.8: what the upstream validated, for those who asked; CD asks for no validation.
          if (flags === RD) expect(response.flags & AD, 'AD').toBe(dnssecOk ? AD : 0);
        }
      }
      const missing = { name: `gone.${origin}`, edns: {} };
      expect((await askOnce(transport, behindRecursive, LOOPBACK, missing)).rcode).toBe(3);
    });
  });
});

function anchorOfDelv([zone, key]: readonly [string, string]): string {
  const [flags, protocol, algorithm, ...octets] = key.split(' ');
  return `  ${zone}. static-key ${flags} ${protocol} ${algorithm} "${octets.join('')}";\n`;
}
