/** Encrypted upstreams in front of servers that nobody here wrote: Unbound, dnsdist, Knot Resolver. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY_DO } from '../../src/upstream/inflight.ts';
import type { PlannedServer } from '../../src/upstream/plan.ts';
import { Authority } from '../alerts/pki.ts';
import { askOnce, TRANSPORTS } from '../support/client.ts';
import { readMessage } from '../support/message.ts';
import { freePort, lacks, makeFolder, Program, until } from '../support/processes.ts';
import { type Server, startUnbound } from '../support/servers.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { Rig } from './rig.ts';
import { type KeyPair, NAME, overHttps, planned, planWith } from './secure-server.ts';

const text = 'x'.repeat(200);
const ZONE = [
  'www.up.test. 300 A 192.0.2.80',
  'www.up.test. 300 AAAA 2001:db8::80',
  ...Array.from({ length: 20 }, (_, i) => `big.up.test. 300 TXT "${i} ${text}"`),
];

let authority: Authority;
let ca = '';
let files: KeyPair;

beforeAll(() => {
  authority = new Authority();
  ca = readFileSync(authority.ca, 'utf8');
  files = authority.issue('server', `DNS:${NAME}`);
});

afterAll(() => authority.remove());

interface Ports {
  readonly tls: number;
  readonly https: number;
}

/** Unbound with a zone of its own, in the open and encrypted. */
async function unbound(): Promise<{ server: Server; ports: Ports }> {
  const ports = { tls: await freePort(), https: await freePort() };
  const server = await startUnbound(
    `  interface: 127.0.0.1@${ports.tls}
  interface: 127.0.0.1@${ports.https}
  tls-port: ${ports.tls}
  https-port: ${ports.https}
  tls-service-pem: "${files.cert}"
  tls-service-key: "${files.key}"
  local-zone: "up.test." static
${ZONE.map((record) => `  local-data: '${record}'`).join('\n')}
`,
    'www.up.test',
  );
  return { server, ports };
}

const placeOf = (transport: 'tls' | 'https', ports: Ports): PlannedServer =>
  transport === 'tls' ? planned({ port: ports.tls }, ca) : overHttps({ port: ports.https }, ca);

async function ask(rig: Rig, name: string, qtype: number, keyFlags = 0) {
  const outcome = await rig.ask(name, qtype, keyFlags);
  if (outcome.kind === 'failure') throw new Error(`EDE ${outcome.ede}`);
  return readMessage(outcome.octets);
}

/** What must hold of any server that has the zone. */
async function answersAll(place: PlannedServer): Promise<void> {
  const rig = await Rig.open(planWith(place), 'dgram');
  const www = await ask(rig, 'www.up.test', 1);
  expect(www.answers.map(({ rdata }) => rdata)).toEqual(['c0000250']);
  expect((await ask(rig, 'www.up.test', 28, KEY_DO)).answers).toHaveLength(1);
  expect((await ask(rig, 'big.up.test', 16)).answers).toHaveLength(20);
  expect(await ask(rig, 'nowhere.up.test', 1)).toMatchObject({ rcode: 3, answers: [] });
  const many = Array.from({ length: 50 }, (_, i) => ask(rig, `n${i}.up.test`, 1));
  for (const { rcode } of await Promise.all(many)) expect(rcode).toBe(3);
  const [stats] = rig.upstreams.stats();
  expect(stats).toMatchObject({ sent: 0, answered: 54, mismatches: 0, networkErrors: 0 });
  rig.close();
}

describe.skipIf(lacks('unbound'))('beside Unbound', () => {
  let server: Server;
  let ports: Ports;

  beforeAll(async () => {
    ({ server, ports } = await unbound());
  });

  afterAll(async () => server?.stop());

  it.each(['tls', 'https'] as const)('answers of all kinds come through over %s', async (kind) => {
    await answersAll(placeOf(kind, ports));
  });

  it.each(['tls', 'https'] as const)('a wrong name over %s: nothing is asked', async (kind) => {
    const place = placeOf(kind, ports);
    const secure = { ...place.secure, peer: 'other.example' } as NonNullable<typeof place.secure>;
    const rig = await Rig.open(planWith({ ...place, secure }), 'dgram');
    expect(await rig.ask('www.up.test')).toEqual({ kind: 'failure', ede: 23 });
    expect(rig.upstreams.stats()[0]).toMatchObject({ certificateRefused: true, state: 'open' });
    rig.close();
  });

  it.each(BACKENDS)('through the whole valve, over UDP and TCP (%s)', async (backend) => {
    const config = `upstreams:
  default:
    servers:
      - { server: "tls://127.0.0.1:${ports.tls}#${NAME}", ca: "file:${authority.ca}" }
      - server: "https://${NAME}:${ports.https}/dns-query"
        address: 127.0.0.1
        ca: "file:${authority.ca}"
workloads: { app: { sources: [127.0.0.0/8], mode: open } }
`;
    const valve = await Valve.start({ backend, config });
    for (const transport of TRANSPORTS) {
      const question = { name: 'www.up.test', type: 'A' };
      const response = await askOnce(transport, valve, '127.0.0.1', question);
      expect(response.answers.map(({ rdata }) => rdata)).toEqual(['c0000250']);
    }
    const { upstreams } = await valve.status();
    expect(upstreams).toMatchObject([
      [
        { server: `tls://127.0.0.1:${ports.tls}#${NAME}`, transport: 'tls' },
        { server: `https://${NAME}:${ports.https}/dns-query 127.0.0.1`, transport: 'https' },
      ],
    ]);
    await valve.stop();
  });
});

describe.skipIf(lacks('unbound', 'dnsdist'))('beside dnsdist', () => {
  it('answers of all kinds come through over TLS and HTTPS', async () => {
    const { server } = await unbound();
    const ports = { tls: await freePort(), https: await freePort() };
    const folder = makeFolder();
    const pair = `"${files.cert}", "${files.key}"`;
    writeFileSync(
      join(folder, 'dnsdist.conf'),
      `setLocal("127.0.0.1:${await freePort()}")
addTLSLocal("127.0.0.1:${ports.tls}", ${pair})
addDOHLocal("127.0.0.1:${ports.https}", ${pair}, "/dns-query")
newServer({address="127.0.0.1:${server.port}"}):setUp()
`,
    );
    const conf = join(folder, 'dnsdist.conf');
    const program = new Program('dnsdist', ['--supervised', '--disable-syslog', '-C', conf]);
    await until('dnsdist answers', async () => {
      if (!program.isRunning) throw new Error(program.said);
      const rig = await Rig.open(planWith(placeOf('tls', ports)), 'dgram');
      const { kind } = await rig.ask('www.up.test');
      rig.close();
      return kind === 'answer' ? true : null;
    });
    await answersAll(placeOf('tls', ports));
    await answersAll(placeOf('https', ports));
    await program.stop('SIGKILL');
    await server.stop();
  });
});

describe.skipIf(lacks('kresd'))('beside Knot Resolver', () => {
  it('answers come through over TLS and HTTPS', async () => {
    const ports = { tls: await freePort(), https: await freePort() };
    const folder = makeFolder();
    writeFileSync(
      join(folder, 'kresd.conf'),
      `modules = { 'policy', 'hints > iterate' }
net.tls("${files.cert}", "${files.key}")
net.listen('127.0.0.1', ${ports.tls}, { kind = 'tls' })
net.listen('127.0.0.1', ${ports.https}, { kind = 'doh2' })
cache.size = 10 * MB
hints['www.up.example.net'] = '192.0.2.80'
`,
    );
    const program = new Program('kresd', ['-n', '-c', join(folder, 'kresd.conf'), folder]);
    for (const kind of ['tls', 'https'] as const) {
      const rig = await until('kresd answers', async () => {
        if (!program.isRunning) throw new Error(program.said);
        const opened = await Rig.open(planWith(placeOf(kind, ports)), 'dgram');
        const outcome = await opened.ask('www.up.example.net');
        if (outcome.kind === 'answer') return opened;
        opened.close();
        return null;
      });
      const www = await ask(rig, 'www.up.example.net', 1);
      expect(www.answers.map(({ rdata }) => rdata)).toEqual(['c0000250']);
      expect(await ask(rig, 'a.up.test', 1)).toMatchObject({ rcode: 3 });
      expect(rig.upstreams.stats()[0]).toMatchObject({ sent: 0, mismatches: 0 });
      rig.close();
    }
    await program.stop('SIGKILL');
  });
});
