/**
 * The peers, each with the fairest configuration for the same work: one thread, a cache that holds
 * all, no validation, no logging, nothing asked of the outside. What only the valve does (who asks,
 * what was asked, first seen) none of them is made to do; policies by source only those that have
 * such a thing without a list of rules to walk through.
 */

import { join } from 'node:path';
import { domains, RULES_EACH, ruleDomain, WORKLOADS, writeLines } from './names.ts';
import type { Contestant, Scenario, ScenarioPlan, Setup } from './scenario.ts';
import { sourceAddress } from './valve.ts';

const PLENTY = 2_000_000;

/** Entries of a deny list, or of the allowlist, as the file of one server. */
async function writeList(setup: Setup, name: string, line: (domain: string) => string) {
  const path = join(setup.directory, name);
  await writeLines(path, listed(setup), line);
  return path;
}

/** The names that the scenario's list holds: what is denied by the feed, or else what is allowed. */
function listed({ scenario, feed, allowed }: Setup): Iterable<string> {
  const list = scenario === 'denied' ? allowed : feed;
  return domains(list.of, list.count);
}

/** Whether what the list holds is denied; if not, it is all that is allowed. */
const isFeed = (scenario: Scenario): boolean => scenario === 'feed' || scenario === 'start';

const hasList = (scenario: Scenario): boolean => isFeed(scenario) || scenario === 'denied';

const isByAddress = ({ scenario }: ScenarioPlan): boolean => scenario === 'mixed';
const isTcp = ({ mode }: ScenarioPlan): boolean => mode !== 'udp';

async function writeConfig(setup: Setup, lines: readonly string[]): Promise<string> {
  const path = join(setup.directory, `${setup.name}.conf`);
  await writeLines(path, lines);
  return path;
}

const unbound: Contestant = {
  name: 'unbound',
  program: 'unbound',
  version: ['-V'],
  takes: () => true,
  async args(setup) {
    const lines = [
      'server:',
      `interface: 127.0.0.1@${setup.port}`,
      `directory: "${setup.directory}"`,
      'num-threads: 1',
      'do-daemonize: no',
      'username: ""',
      'chroot: ""',
      'pidfile: ""',
      'use-syslog: no',
      'verbosity: 0',
      'module-config: "iterator"',
      'do-not-query-localhost: no',
      'access-control: 127.0.0.0/8 allow',
      'minimal-responses: yes',
      'msg-cache-size: 256m',
      'rrset-cache-size: 512m',
      'outgoing-range: 8192',
      'num-queries-per-thread: 4096',
      'so-rcvbuf: 4m',
      'so-sndbuf: 4m',
      'incoming-num-tcp: 1024',
    ];
    if (hasList(setup.scenario)) {
      const denies = isFeed(setup.scenario);
      if (!denies) lines.push('local-zone: "." always_nxdomain');
      const kind = denies ? 'always_nxdomain' : 'transparent';
      const list = await writeList(setup, 'unbound.list', (name) => `local-zone: ${name} ${kind}`);
      lines.push(`include: "${list}"`);
    }
    if (setup.scenario === 'mixed') {
      for (let i = 0; i < WORKLOADS; i++) {
        lines.push(`access-control-view: ${sourceAddress(i)}/32 w${i}`);
      }
      const path = join(setup.directory, 'unbound.views');
      await writeLines(path, unboundViews());
      lines.push(`include: "${path}"`);
    }
    lines.push('remote-control:', 'control-enable: no');
    lines.push('forward-zone:', 'name: "."', `forward-addr: 127.0.0.1@${setup.upstreamPort}`);
    return ['-d', '-c', await writeConfig(setup, lines)];
  },
};

/** A view for each workload: all is denied but what its zones let through. */
function* unboundViews(): Generator<string> {
  for (let i = 0; i < WORKLOADS; i++) {
    yield `view:\nname: w${i}\nview-first: no\nlocal-zone: "." always_nxdomain`;
    for (let j = 0; j < RULES_EACH; j++) yield `local-zone: ${ruleDomain(i, j)} transparent`;
  }
}

const dnsdist: Contestant = {
  name: 'dnsdist',
  program: 'dnsdist',
  version: ['-V'],
  takes: () => true,
  async args(setup) {
    const lines = [
      'setSecurityPollSuffix("")',
      `setLocal("127.0.0.1:${setup.port}")`,
      'setACL({"127.0.0.0/8"})',
      'setMaxUDPOutstanding(65535)',
      'setUDPSocketBufferSizes(4194304, 4194304)',
      'setMaxTCPClientThreads(1)',
      'setMaxTCPConnectionsPerClient(0)',
      'setMaxTCPQueuedConnections(10000)',
      `newServer({address="127.0.0.1:${setup.upstreamPort}", sockets=16}):setUp()`,
      `getPool(""):setCache(newPacketCache(${PLENTY}, {maxTTL=86400}))`,
    ];
    if (hasList(setup.scenario)) {
      const list = await writeList(setup, 'dnsdist.list', (name) => name);
      const rule = 'SuffixMatchNodeRule(names, true)';
      lines.push('names = newSuffixMatchNode()');
      lines.push(`for line in io.lines("${list}") do names:add(newDNSName(line)) end`);
      const denied = isFeed(setup.scenario) ? rule : `NotRule(${rule})`;
      lines.push(`addAction(${denied}, RCodeAction(DNSRCode.NXDOMAIN))`);
    }
    if (setup.scenario === 'mixed') lines.push(...(await dnsdistPolicies(setup)));
    return ['--supervised', '--disable-syslog', '-C', await writeConfig(setup, lines)];
  },
};

/**
 * One tree of names for each address, found through a Lua table: a list of a thousand rules by
 * netmask would be walked through for each query.
 */
async function dnsdistPolicies(setup: Setup): Promise<string[]> {
  const path = join(setup.directory, 'dnsdist.policies');
  await writeLines(path, dnsdistPolicyLines());
  return [
    'policies = {}',
    `for line in io.lines("${path}") do`,
    '  local address, name = line:match("(%S+) (%S+)")',
    '  if not policies[address] then policies[address] = newSuffixMatchNode() end',
    '  policies[address]:add(newDNSName(name))',
    'end',
    'addAction(AllRule(), LuaAction(function(dq)',
    '  local names = policies[dq.remoteaddr:toString()]',
    '  if names and names:check(dq.qname) then return DNSAction.None, "" end',
    '  return DNSAction.Nxdomain, ""',
    'end))',
  ];
}

function* dnsdistPolicyLines(): Generator<string> {
  for (let i = 0; i < WORKLOADS; i++) {
    for (let j = 0; j < RULES_EACH; j++) yield `${sourceAddress(i)} ${ruleDomain(i, j)}`;
  }
}

const recursor: Contestant = {
  name: 'pdns-recursor',
  program: 'pdns_recursor',
  version: ['--version'],
  takes: (plan) => !isByAddress(plan),
  async args(setup) {
    const lines = [
      'local-address=127.0.0.1',
      `local-port=${setup.port}`,
      `socket-dir=${setup.directory}`,
      'daemon=no',
      'threads=1',
      'pdns-distributes-queries=no',
      'quiet=yes',
      'loglevel=3',
      'disable-syslog=yes',
      'security-poll-suffix=',
      'dnssec=off',
      'dont-query=',
      'allow-from=127.0.0.0/8',
      `forward-zones-recurse=.=127.0.0.1:${setup.upstreamPort}`,
      `max-cache-entries=${PLENTY}`,
      `max-packetcache-entries=${PLENTY}`,
      'max-mthreads=4096',
      'max-tcp-clients=1024',
      'max-concurrent-requests-per-tcp-connection=256',
    ];
    if (hasList(setup.scenario)) {
      const script = join(setup.directory, 'recursor.lua');
      await writeLines(script, [`rpzFile("${await writeRpz(setup)}", {policyName="list"})`]);
      lines.push(`lua-config-file=${script}`);
    }
    await writeLines(join(setup.directory, 'recursor.conf'), lines);
    return [`--config-dir=${setup.directory}`];
  },
};

/** A response policy zone: an entry for each name and one for all below it, as the others mean it. */
async function writeRpz(setup: Setup): Promise<string> {
  const path = join(setup.directory, 'recursor.rpz');
  await writeLines(path, rpzRecords(setup));
  return path;
}

function* rpzRecords(setup: Setup): Generator<string> {
  const denies = isFeed(setup.scenario);
  const target = denies ? '.' : 'rpz-passthru.';
  yield '$ORIGIN list.rpz.';
  yield '$TTL 30';
  yield '@ SOA localhost. root.localhost. 1 3600 600 86400 30';
  yield '@ NS localhost.';
  if (!denies) yield '* CNAME .';
  for (const name of listed(setup)) yield `${name} CNAME ${target}\n*.${name} CNAME ${target}`;
}

const dnsmasq: Contestant = {
  name: 'dnsmasq',
  program: 'dnsmasq',
  version: ['--version'],
  // It forks a process for each connection, and for twenty at most.
  takes: (plan) => !isByAddress(plan) && !isTcp(plan),
  async args(setup) {
    const server = `127.0.0.1#${setup.upstreamPort}`;
    const lines = [
      `port=${setup.port}`,
      'listen-address=127.0.0.1',
      'bind-interfaces',
      'no-resolv',
      'no-hosts',
      'no-poll',
      'user=root',
      'pid-file=',
      'log-facility=/dev/null',
      'cache-size=20000',
      'dns-forward-max=4096',
      // A server for all names would win over the denial of all names.
      setup.scenario === 'denied' ? 'address=/#/' : `server=${server}`,
    ];
    if (hasList(setup.scenario)) {
      const denies = isFeed(setup.scenario);
      const line = (name: string) => (denies ? `address=/${name}/` : `server=/${name}/${server}`);
      lines.push(`conf-file=${await writeList(setup, 'dnsmasq.list', line)}`);
    }
    return ['--keep-in-foreground', '-C', await writeConfig(setup, lines)];
  },
};

export const PEERS: readonly Contestant[] = [unbound, dnsdist, recursor, dnsmasq];
