/**
 * `npm run differ -- --seed N`: the same questions to dnsvalve, Unbound and Knot Resolver, all of
 * which forward to one Unbound over one authority; where rcode, records or the kind of the
 * response are not the same, it is listed. Each is asked twice, so that both the forwarded and the
 * stored answer are compared.
 */

import { parseArgs } from 'node:util';
import { PEERS, type Peer } from '../conformance/peers.ts';
import { Random } from '../detect/random.ts';
import { type Endpoint, UdpClient } from '../support/client.ts';
import { buildQuery, type Message, readMessage } from '../support/message.ts';
import { freePort, makeFolder, Program, until } from '../support/processes.ts';
import { startUnbound } from '../support/servers.ts';
import { Valve } from '../support/valve.ts';
import { Authority } from './authority.ts';
import { contentOf } from './oracle.ts';
import { makeWorld, ZONE } from './world.ts';

const TYPES =
  'A AAAA NS SOA CNAME MX TXT SRV CAA PTR DS HTTPS SVCB NAPTR LOC TLSA SSHFP TYPE65400'.split(' ');
const TOGETHER = 40;
const SHOWN = 8;
const AA = 0x0400;
const TC = 0x0200;

interface Subject {
  readonly name: string;
  readonly client: UdpClient;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    questions: { type: 'string', default: '4000' },
  },
});
const random = new Random(Number(values.seed));
const world = makeWorld(Number(values.seed));

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function startPeer(peer: Peer, upstreamPort: number): Promise<Endpoint> {
  const port = await freePort();
  const setup = { folder: makeFolder(), port, upstreamPort };
  new Program(peer.program, peer.args(setup));
  const to = { address: '127.0.0.1', port };
  const client = await UdpClient.open(to, '127.0.0.1');
  await until(`${peer.name} answers`, () => client.exchange(query(ZONE, 'SOA'), 500));
  client.close();
  return to;
}

function query(name: string, type: string): Buffer {
  return buildQuery({ name, type, edns: { size: 1232 } });
}

/** What is compared, as one text. */
function shown({ rcode, flags, ...message }: Message): string {
  const marks = [flags & AA ? 'AA' : '', flags & TC ? 'TC' : ''].join('');
  const content = contentOf({ rcode, flags, ...message }).replaceAll('\n', ' | ');
  return `rcode ${rcode} ${marks} ${content}`;
}

async function answer({ client }: Subject, name: string, type: string): Promise<string> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const octets = await client.exchange(query(name, type), 3000);
    if (octets !== null) return shown(readMessage(octets));
  }
  return 'nothing';
}

/** Who stands alone, by the sort of difference. */
const tally = new Map<string, number>();
const differences = new Map<string, string[]>();

async function compare(subjects: readonly Subject[], name: string, type: string): Promise<void> {
  const answers = await Promise.all(subjects.map((one) => answer(one, name, type)));
  const sort = answers[0]?.split(' ').slice(0, 2).join(' ') ?? '';
  const hasRecords = /[0-9a-f]$/.test(answers[0] ?? '') && (answers[0]?.length ?? 0) > 12;
  tally.set(sort, (tally.get(sort) ?? 0) + 1);
  if (hasRecords) tally.set('with records', (tally.get('with records') ?? 0) + 1);
  if (new Set(answers).size === 1) return;
  const odd = subjects.filter((_, i) => answers.filter((one) => one === answers[i]).length === 1);
  const who = odd.length === 1 ? (odd[0]?.name ?? '') : 'all of them differ';
  const lines = subjects.map((one, i) => `    ${one.name}: ${answers[i]}`);
  const list = differences.get(`${who}, ${type}`) ?? [];
  list.push([`  ${name} ${type}`, ...lines].join('\n'));
  differences.set(`${who}, ${type}`, list);
}

const authority = await Authority.start(ZONE, world.zoneText);
const stub = `stub-zone:\n  name: "${ZONE}."\n  stub-addr: 127.0.0.1@${authority.port}\n`;
const upstream = await startUnbound(stub, ZONE);
const valve = await Valve.start({
  workers: 2,
  config: `upstreams: { main: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": main, example: main }
workloads: { client: { sources: [127.0.0.0/8], mode: open } }
`,
});
const peers = PEERS.filter(({ name }) => name === 'Unbound' || name === 'Knot Resolver');
const endpoints: [string, Endpoint][] = [['dnsvalve', valve]];
for (const peer of peers) endpoints.push([peer.name, await startPeer(peer, upstream.port)]);
const subjects = await Promise.all(
  endpoints.map(async ([name, to]) => ({ name, client: await UdpClient.open(to, '127.0.0.1') })),
);
const names = [ZONE, ...new Set(world.questions.data.map(({ name }) => name))];
const questions = Array.from({ length: Number(values.questions) }, () => {
  const name = names[random.below(names.length)] ?? ZONE;
  return [name, TYPES[random.below(TYPES.length)] ?? 'A'] as const;
});
for (const _ of ['forwarded', 'stored']) {
  for (let i = 0; i < questions.length; i += TOGETHER) {
    const some = questions.slice(i, i + TOGETHER);
    await Promise.all(some.map(([name, type]) => compare(subjects, name, type)));
  }
}
const total = [...differences.values()].reduce((sum, list) => sum + list.length, 0);
say(`${questions.length} questions, each asked twice: ${total} differences`);
say([...tally].map(([sort, count]) => `${sort}: ${count}`).join(', '));
for (const [sort, list] of differences) {
  say(`${sort}: ${list.length}`);
  for (const line of list.slice(0, SHOWN)) say(line);
}
process.exit(0);
