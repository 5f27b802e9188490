/** Answers compared with NSD, an authoritative server of other hands, over the same master file. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameToText, nameToWire, typeToText } from '../../src/wire/text.ts';
import { Zones } from '../../src/zones/answer.ts';
import { compileZones } from '../../src/zones/compile.ts';
import { loadZone } from '../../src/zones/master.ts';
import {
  type Asked,
  answerOf,
  ask,
  decodeResponse,
  encodeQuery,
  ID,
  type Response,
} from './messages.ts';

const FILE = join(import.meta.dirname, 'every-type.zone');
const ORIGIN = 'types.example';
const UDP_SIZE = 4096;

const hasNsd = spawnSync('nsd', ['-v']).error === undefined;
if (!hasNsd) console.log('nsd is not installed: answers are not compared with it');

const zone = loadZone(FILE, nameToWire(ORIGIN));
const zones = new Zones(compileZones([{ zone, private: false, builtin: false, empty: false }], []));

/** Names beside those of the file, by what they try. */
const MORE_NAMES = [
  'missing',
  'x.wild',
  'X.y.WILD',
  'x.host.wild',
  'ent.wild',
  'x.ent.wild',
  'x.sub.ent.wild',
  'x.cwild',
  'x.y.cwild',
  '*.missing',
  'x.*.wild',
  'most',
  'than.most',
  'er.than.most',
  'x.than.most',
  'nested',
  'x.nested',
  'x.y.nested',
  'ns.nested',
  'x.ns.nested',
  'host.moved',
  'HOST.moved',
  'none.moved',
  'x.moved',
  'a.away',
  'A.b.Away',
  `${'b'.repeat(63)}.toolong`,
  '_tcp',
  'x.a',
  'x.c1',
  'esc.aped',
  'aped',
  '*',
  '*.*.wild',
];

describe.skipIf(!hasNsd && process.env['CI'] === undefined)('answers beside NSD', () => {
  let folder = '';
  let nsd: ChildProcess;
  let socket: Socket;
  let port = 0;

  beforeAll(async () => {
    const probe = createSocket('udp4').bind(0, '127.0.0.1');
    await once(probe, 'listening');
    port = probe.address().port;
    probe.close();
    folder = mkdtempSync(join(tmpdir(), 'dnsvalve-nsd-'));
    writeFileSync(join(folder, 'nsd.conf'), nsdConf(folder, port));
    nsd = spawn('nsd', ['-d', '-c', join(folder, 'nsd.conf')], { stdio: 'ignore' });
    socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    await exchange(socket, port, ask(ORIGIN, 'SOA'));
  });

  afterAll(async () => {
    socket?.close();
    if (nsd?.exitCode === null) {
      nsd.kill('SIGTERM');
      await once(nsd, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const owned = zone.nodes.map((node) => nameToText(node.owner));
  const types = new Set(zone.nodes.flatMap((node) => node.sets.map((set) => typeToText(set.type))));

  it('every record of the file', async () => {
    let compared = 0;
    for (const node of zone.nodes) {
      for (const set of node.sets) {
        await same(ask(nameToText(node.owner), typeToText(set.type)));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(80);
    expect(types.size).toBeGreaterThan(45);
  });

  it('every name with a type that it has or has not', async () => {
    const names = [...owned, ...MORE_NAMES.map((name) => `${name}.${ORIGIN}`)];
    for (const name of names) {
      for (const type of ['A', 'TXT', 'CNAME', 'SOA', 'DNAME', 'NS']) await same(ask(name, type));
    }
  });

  it('signatures for those who want them', async () => {
    await same(ask(`signed.${ORIGIN}`, 'A', { dnssecOk: true }));
    await same(ask(`signed.${ORIGIN}`, 'A'));
    await same(ask(`signed.${ORIGIN}`, 'TXT', { dnssecOk: true }));
  });

  async function same(asked: Asked): Promise<void> {
    const wide = { ...asked, udpSize: UDP_SIZE };
    const theirs = await exchange(socket, port, wide);
    const ours = answerOf(zones, { ...asked, udpSize: 0 });
    const withOpt = asked.dnssecOk ? answerOf(zones, asked) : ours;
    expect(comparable(withOpt), `${asked.name} ${asked.type}`).toEqual(comparable(theirs));
  }
});

/** What two servers must agree on; owners without case, records in any order. */
function comparable(response: Response | null): unknown {
  if (response === null) return null;
  return {
    rcode: response.rcode,
    aa: response.aa,
    answers: response.answers
      .map((line) => line.replace(/^\S+/, (name) => name.toLowerCase()))
      .sort(),
    // NSD adds NS records to positive answers; the SOA of a negative one is what counts.
    soa: response.authorities.filter((line) => line.includes(' SOA ')),
  };
}

function nsdConf(folder: string, port: number): string {
  return `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  xfrdfile: "${folder}/xfrd.state"
  pidfile: "${folder}/nsd.pid"
  xfrdir: "${folder}"
  ipv4-edns-size: ${UDP_SIZE}
  rrl-ratelimit: 0
  round-robin: no
remote-control:
  control-enable: no
zone:
  name: ${ORIGIN}
  zonefile: ${FILE}
`;
}

let lastId = 0;

/** One query and its answer; asked again until there is one, because NSD takes a moment to start. */
async function exchange(socket: Socket, port: number, asked: Asked): Promise<Response> {
  const query = Buffer.from(encodeQuery(asked));
  // An id of its own, so that a late answer to an earlier query is not taken for this one's.
  lastId = (lastId + 1) & 0xffff;
  query.writeUInt16BE(lastId, 0);
  for (let attempt = 0; attempt < 50; attempt++) {
    socket.send(query, port, '127.0.0.1');
    const signal = AbortSignal.timeout(200);
    const message = await nextMessage(socket, lastId, signal);
    if (message === null) continue;
    message.writeUInt16BE(ID, 0);
    return decodeResponse(message);
  }
  throw new Error(`nsd does not answer ${asked.name} ${asked.type}`);
}

/** The next message with an id; null when the time is over. */
async function nextMessage(
  socket: Socket,
  id: number,
  signal: AbortSignal,
): Promise<Buffer | null> {
  while (!signal.aborted) {
    const [message] = await once(socket, 'message', { signal }).catch(() => [null]);
    if (Buffer.isBuffer(message) && message.readUInt16BE(0) === id) return message;
  }
  return null;
}
