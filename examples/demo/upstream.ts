/**
 * A small authoritative server that stands for the rest of the world: every name of the demo, over
 * UDP and TCP on loopback, made with dns2. It counts what it was asked, which is how the demo can
 * show what never left the valve.
 */

import dns2 from 'dns2';
import { freePort } from './ports.ts';

const { Packet } = dns2;
const { A, AAAA, CNAME, TXT } = Packet.TYPE;

const TTL_S = 300;

type Packet = InstanceType<typeof Packet>;
type Resource = Packet['answers'][number];
type Data = Pick<Resource, 'type' | 'address' | 'domain' | 'data'>;

/** By name; a leading `*.` stands for everything below. */
const NAMES: ReadonlyMap<string, readonly Data[]> = new Map([
  ['api.bank.example', [address('198.51.100.10'), { type: AAAA, address: '2001:db8::10' }]],
  ['eu.partner.example', [address('198.51.100.20')]],
  ['registry.packages.example', [address('198.51.100.30')]],
  ['cdn.packages.example', [alias('edge7.cdn-vendor.example')]],
  ['edge7.cdn-vendor.example', [address('198.51.100.31')]],
  // An allowed name whose owner lets it point into the network that asks.
  ['printer.widgets.example', [address('10.0.0.9')]],
  ['meta.widgets.example', [address('169.254.169.254')]],
  // An allowed name that is an alias of one that a feed lists.
  ['docs.tools.example', [alias('pastebin.com')]],
  ['pastebin.com', [address('198.51.100.66')]],
  ['dns.google', [address('198.51.100.67')]],
  ['*.sync.example', [{ type: TXT, data: 'ok' }]],
]);

function address(text: string): Data {
  return { type: A, address: text };
}

function alias(target: string): Data {
  return { type: CNAME, domain: target };
}

export interface Upstream {
  readonly port: number;
  /** Names that were asked for here, in the order of their first query. */
  readonly asked: ReadonlySet<string>;
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const asked = new Set<string>();
  const server = dns2.createServer({
    udp: true,
    tcp: true,
    handle: (request, send) => {
      void send(respond(request, asked)).catch(() => {});
    },
  });
  // dns2 listens on every address when the port is 0, so it is given one.
  const port = await freePort();
  const place = { port, address: '127.0.0.1' };
  await server.listen({ udp: place, tcp: place });
  return { port, asked, close: () => server.close() };
}

function respond(request: Packet, asked: Set<string>): Packet {
  const response = Packet.createResponseFromRequest(request);
  response.header.aa = 1;
  const question = request.questions[0];
  // Resolvers ask in a mix of cases, to make answers harder to forge.
  const name = question?.name.toLowerCase() ?? '';
  asked.add(name);
  const found = find(name);
  if (found === undefined || question === undefined) {
    response.header.rcode = Packet.RCODE.NXDOMAIN;
  } else {
    const owner = { name: question.name, class: question.class, ttl: TTL_S };
    response.answers = chain(owner, found, question.type);
  }
  if (request.additionals.length > 0) response.additionals = [Packet.Resource.EDNS([])];
  return response;
}

function find(name: string): readonly Data[] | undefined {
  const below = [...NAMES].find(([key]) => key.startsWith('*.') && name.endsWith(key.slice(1)));
  return NAMES.get(name) ?? below?.[1];
}

/** Records of the type, and where the name is an alias, those of its target too. */
function chain(
  owner: Pick<Resource, 'name' | 'class' | 'ttl'>,
  found: readonly Data[],
  type: number,
): Resource[] {
  return found.flatMap((data) => {
    if (data.type !== CNAME) return data.type === type ? [resource(owner, data)] : [];
    const target = { ...owner, name: data.domain ?? '' };
    return [resource(owner, data), ...chain(target, find(target.name) ?? [], type)];
  });
}

function resource(owner: Pick<Resource, 'name' | 'class' | 'ttl'>, data: Data): Resource {
  const { name, class: recordClass, ttl } = owner;
  return Object.assign(new Packet.Resource(name, data.type, recordClass, ttl), data);
}
