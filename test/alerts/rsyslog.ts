/**
 * A real rsyslogd (Debian) on loopback: UDP, TCP with octet counting and with lines, TLS with
 * client certificates, and a unix socket that stands for /dev/log. Each input has a ruleset of its own that writes what was parsed as JSON.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Authority } from './pki.ts';

const PROGRAM = ['/usr/sbin/rsyslogd', '/usr/bin/rsyslogd', '/sbin/rsyslogd'].find(existsSync);
export const INPUTS = ['udp', 'tcp', 'lf', 'tls', 'unix'] as const;
export type Input = (typeof INPUTS)[number];

/** Why the tests against rsyslog cannot run here, or null. CI must have it. */
export function rsyslogMissing(): string | null {
  if (PROGRAM !== undefined || process.env['CI'] !== undefined) return null;
  return 'rsyslogd is not installed (apt-get install rsyslog)';
}

/** One message as rsyslog understood it. */
export interface Received {
  readonly severity: string;
  readonly facility: string;
  readonly time: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  readonly message: string;
  /** SD-ID -> parameter -> value, by mmpstrucdata. */
  readonly data: Record<string, Record<string, string>>;
}

export class Rsyslog {
  readonly folder = mkdtempSync(join(tmpdir(), 'dnsvalve-rsyslog-'));
  readonly socket = join(this.folder, 'log');
  readonly #authority: Authority;
  port = 0;
  lfPort = 0;
  tlsPort = 0;
  #child: ChildProcess | null = null;

  /** @param authority who vouches for it and for its clients; it is `siem.example` */
  constructor(authority: Authority) {
    this.#authority = authority;
    authority.issue('rsyslog', 'DNS:siem.example');
  }

  async start(): Promise<void> {
    if (PROGRAM === undefined) throw new Error('rsyslogd is not installed');
    if (this.port === 0) {
      this.port = await freePort();
      this.lfPort = await freePort();
      this.tlsPort = await freePort();
    }
    const config = join(this.folder, 'rsyslog.conf');
    writeFileSync(config, this.#config());
    const check = spawnSync(PROGRAM, ['-N1', '-f', config], { encoding: 'utf8' });
    if (check.status !== 0) throw new Error(`rsyslogd -N1: ${check.stderr}`);
    const pidFile = join(this.folder, 'pid');
    const child = spawn(PROGRAM, ['-n', '-f', config, '-i', pidFile], { stdio: 'ignore' });
    this.#child = child;
    await vi.waitFor(() => this.#expectListening(), { timeout: 20_000, interval: 20 });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  received(input: Input): Received[] {
    const file = join(this.folder, `${input}.jsonl`);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.slice(0, -1).map((line) => toReceived(JSON.parse(line)));
  }

  /** /proc names what is bound, so that no message has to be sent to find out. */
  #expectListening(): void {
    const place = (port: number): string =>
      `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `;
    const udp = readFileSync('/proc/net/udp', 'utf8').includes(place(this.port));
    const listening = readFileSync('/proc/net/tcp', 'utf8');
    const tcp = [this.port, this.lfPort, this.tlsPort].every((port) =>
      listening.includes(`${place(port)}00000000:0000 0A`),
    );
    const unix = readFileSync('/proc/net/unix', 'utf8').includes(this.socket);
    if (!udp || !tcp || !unix) throw new Error(`rsyslogd listens: ${udp} ${tcp} ${unix}`);
  }

  #config(): string {
    const rulesets = INPUTS.map(
      (input) => `ruleset(name="${input}") {
  action(type="mmpstrucdata" sd_name.lowercase="off")
  action(type="omfile" file="${join(this.folder, `${input}.jsonl`)}" template="parsed" asyncWriting="off")
}`,
    );
    const { folder, ca } = this.#authority;
    const files = `defaultNetstreamDriverCAFile="${ca}"
  defaultNetstreamDriverCertFile="${folder}/rsyslog.pem"
  defaultNetstreamDriverKeyFile="${folder}/rsyslog.key"`;
    const tls = 'streamDriver.name="gtls" streamDriver.mode="1"';
    return `global(workDirectory="${this.folder}" internalmsg.severity="emerg" ${files})
module(load="imudp") module(load="imtcp") module(load="mmpstrucdata")
module(load="imuxsock" sysSock.use="off")
template(name="parsed" type="list" option.jsonf="on") {
  property(outname="severity" name="syslogseverity" format="jsonf")
  property(outname="facility" name="syslogfacility" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="procid" name="procid" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
  property(outname="data" name="$!rfc5424-sd" format="jsonf")
}
${rulesets.join('\n')}
input(type="imudp" address="127.0.0.1" port="${this.port}" ruleset="udp")
input(type="imtcp" address="127.0.0.1" port="${this.port}" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="${this.lfPort}" ruleset="lf")
input(type="imtcp" address="127.0.0.1" port="${this.tlsPort}" ruleset="tls"
  ${tls} streamDriver.authMode="x509/certvalid")
input(type="imuxsock" socket="${this.socket}" useSpecialParser="off" parseHostname="on" useSysTimeStamp="off" ignoreTimestamp="off" ruleset="unix")
`;
  }
}

function toReceived(fields: Record<string, string>): Received {
  const data = fields['data'] ?? '';
  return { ...fields, data: data === '' ? {} : JSON.parse(data) } as unknown as Received;
}

/** A port that was free for TCP a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
