/** Other servers, each as a plain forwarder to the same upstream: one thread, no validation. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PeerSetup {
  readonly folder: string;
  readonly port: number;
  readonly upstreamPort: number;
}

export interface Peer {
  readonly name: string;
  readonly program: string;
  /** Arguments that make it say its version. */
  readonly version: readonly string[];
  /** Writes its configuration. @returns the arguments that start it in the foreground */
  args(setup: PeerSetup): string[];
}

function file(setup: PeerSetup, name: string, lines: readonly string[]): string {
  const path = join(setup.folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const unbound: Peer = {
  name: 'Unbound',
  program: 'unbound',
  version: ['-V'],
  args: (setup) => [
    '-d',
    '-c',
    file(setup, 'unbound.conf', [
      'server:',
      `interface: 127.0.0.1@${setup.port}`,
      `directory: "${setup.folder}"`,
      'num-threads: 1',
      'username: ""',
      'chroot: ""',
      'pidfile: ""',
      'use-syslog: no',
      'module-config: "iterator"',
      'do-not-query-localhost: no',
      'access-control: 127.0.0.0/8 allow',
      'use-caps-for-id: yes',
      'hide-identity: yes',
      'hide-version: yes',
      'ede: yes',
      'outgoing-range: 4096',
      'incoming-num-tcp: 1024',
      'local-zone: "test." nodefault',
      'remote-control:',
      'control-enable: no',
      'forward-zone:',
      'name: "."',
      `forward-addr: 127.0.0.1@${setup.upstreamPort}`,
    ]),
  ],
};

const dnsdist: Peer = {
  name: 'dnsdist',
  program: 'dnsdist',
  version: ['-V'],
  args: (setup) => [
    '--supervised',
    '--disable-syslog',
    '-C',
    file(setup, 'dnsdist.conf', [
      'setSecurityPollSuffix("")',
      `setLocal("127.0.0.1:${setup.port}")`,
      'setACL({"127.0.0.0/8"})',
      'setMaxTCPConnectionsPerClient(0)',
      `newServer({address="127.0.0.1:${setup.upstreamPort}", sockets=16}):setUp()`,
      'getPool(""):setCache(newPacketCache(100000, {maxTTL=86400}))',
    ]),
  ],
};

const recursor: Peer = {
  name: 'PowerDNS Recursor',
  program: 'pdns_recursor',
  version: ['--version'],
  args(setup) {
    file(setup, 'recursor.conf', [
      'local-address=127.0.0.1',
      `local-port=${setup.port}`,
      `socket-dir=${setup.folder}`,
      'daemon=no',
      'threads=1',
      'pdns-distributes-queries=no',
      'quiet=yes',
      'loglevel=3',
      'disable-syslog=yes',
      'security-poll-suffix=',
      'dnssec=process-no-validate',
      'dont-query=',
      'allow-from=127.0.0.0/8',
      'extended-resolution-errors=yes',
      `forward-zones-recurse=.=127.0.0.1:${setup.upstreamPort}`,
      'max-tcp-clients=1024',
    ]);
    return [`--config-dir=${setup.folder}`];
  },
};

const knot: Peer = {
  name: 'Knot Resolver',
  program: 'kresd',
  version: ['--version'],
  args: (setup) => [
    '-n',
    '-q',
    '-c',
    file(setup, 'kresd.conf', [
      `net.listen('127.0.0.1', ${setup.port}, { kind = 'dns' })`,
      "trust_anchors.remove('.')",
      'cache.size = 50 * MB',
      `policy.add(policy.all(policy.FORWARD('127.0.0.1@${setup.upstreamPort}')))`,
    ]),
    setup.folder,
  ],
};

const bind: Peer = {
  name: 'BIND',
  program: 'named',
  version: ['-v'],
  args: (setup) => [
    '-g',
    '-n',
    '1',
    '-c',
    file(setup, 'named.conf', [
      'options {',
      `  directory "${setup.folder}";`,
      '  pid-file none;',
      '  session-keyfile none;',
      `  listen-on port ${setup.port} { 127.0.0.1; };`,
      '  listen-on-v6 { none; };',
      '  recursion yes;',
      '  allow-query { any; };',
      '  dnssec-validation no;',
      '  version none;',
      '  hostname none;',
      '  server-id none;',
      '  forward only;',
      `  forwarders port ${setup.upstreamPort} { 127.0.0.1; };`,
      '  minimal-responses yes;',
      '};',
      'controls { };',
    ]),
  ],
};

const dnsmasq: Peer = {
  name: 'dnsmasq',
  program: 'dnsmasq',
  version: ['--version'],
  args: (setup) => [
    '--keep-in-foreground',
    '-C',
    file(setup, 'dnsmasq.conf', [
      `port=${setup.port}`,
      'listen-address=127.0.0.1',
      'bind-interfaces',
      'no-resolv',
      'no-hosts',
      'no-poll',
      'user=root',
      'pid-file=',
      'log-facility=/dev/null',
      'cache-size=10000',
      'dns-forward-max=1024',
      `server=127.0.0.1#${setup.upstreamPort}`,
    ]),
  ],
};

export const PEERS: readonly Peer[] = [unbound, bind, knot, recursor, dnsdist, dnsmasq];
