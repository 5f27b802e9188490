/**
 * A real syslog-ng (Debian) on loopback: UDP, TCP with octet counting and with lines, TLS with
 * client certificates, and a unix socket of datagrams. Debian cannot have it installed beside rsyslog, so it may also be unpacked
 * below SYSLOG_NG_ROOT.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, Program, until } from '../support/processes.ts';
import type { Authority } from './pki.ts';

const ROOT = [process.env['SYSLOG_NG_ROOT'] ?? '/opt/syslog-ng', '/'].find((root) =>
  existsSync(join(root, 'usr/sbin/syslog-ng')),
);
export const NG_INPUTS = ['udp', 'tcp', 'lf', 'tls', 'unix'] as const;
export type NgInput = (typeof NG_INPUTS)[number];

/** Why the tests against syslog-ng cannot run here, or null. CI must have it. */
export function syslogNgMissing(): string | null {
  if (ROOT !== undefined || process.env['CI'] !== undefined) return null;
  return 'syslog-ng is not there (.ci/run unpacks it)';
}

/** One message as syslog-ng understood it: its name-value pairs, structured data as _SDATA. */
export interface NgMessage {
  readonly PRIORITY: string;
  readonly FACILITY: string;
  readonly PROGRAM: string;
  readonly MSGID: string;
  readonly MESSAGE: string;
  /** Absent where the format has no structured data. */
  readonly _SDATA?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export class SyslogNg {
  readonly folder = mkdtempSync(join(tmpdir(), 'dnsvalve-syslog-ng-'));
  readonly socket = join(this.folder, 'log');
  readonly ports = new Map<NgInput, number>();
  readonly #authority: Authority;
  #program: Program | null = null;

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  async start(): Promise<void> {
    if (ROOT === undefined) throw new Error('syslog-ng is not there');
    if (this.ports.size === 0) {
      for (const input of NG_INPUTS) {
        if (input !== 'unix') this.ports.set(input, await freePort());
      }
      this.#authority.issue('syslog-ng', 'DNS:siem.example');
    }
    const file = (name: string): string => join(this.folder, name);
    writeFileSync(file('syslog-ng.conf'), this.#config());
    const libraries = join(ROOT, 'usr/lib/syslog-ng');
    const version = ['3.38', '4.3', '4.8'].find((one) => existsSync(join(libraries, one)));
    const program = new Program(
      join(ROOT, 'usr/sbin/syslog-ng'),
      [
        ...['--foreground', '--stderr', '--no-caps'],
        ...['--cfgfile', file('syslog-ng.conf'), '--pidfile', file('pid')],
        ...['--persist-file', file('persist'), '--control', file('control')],
        ...['--module-path', join(libraries, version ?? '')],
      ],
      { env: { ...process.env, LD_LIBRARY_PATH: libraries } },
    );
    this.#program = program;
    await until('syslog-ng listens', () => (this.#isListening() ? true : null));
  }

  /** @param signal SIGKILL for one that cannot say goodbye */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#program?.stop(signal);
    this.#program = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  received(input: NgInput): NgMessage[] {
    const path = join(this.folder, `${input}.jsonl`);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as NgMessage);
  }

  #isListening(): boolean {
    const udp = readFileSync('/proc/net/udp', 'utf8');
    const tcp = readFileSync('/proc/net/tcp', 'utf8');
    if (!readFileSync('/proc/net/unix', 'utf8').includes(this.socket)) return false;
    return [...this.ports].every(([input, port]) => {
      const place = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
      return input === 'udp'
        ? udp.includes(`${place} `)
        : tcp.includes(`${place} 00000000:0000 0A`);
    });
  }

  #config(): string {
    const { folder, ca } = this.#authority;
    const at = (input: NgInput): string => `ip("127.0.0.1") port(${this.ports.get(input)})`;
    const tls = `tls(key-file("${folder}/syslog-ng.key") cert-file("${folder}/syslog-ng.pem")
      ca-file("${ca}") peer-verify(required-trusted))`;
    const sources: Record<NgInput, string> = {
      udp: `syslog(transport("udp") ${at('udp')})`,
      tcp: `syslog(transport("tcp") ${at('tcp')})`,
      lf: `network(transport("tcp") flags(syslog-protocol) ${at('lf')})`,
      tls: `syslog(transport("tls") ${at('tls')} ${tls})`,
      unix: `unix-dgram("${this.socket}" flags(syslog-protocol))`,
    };
    const paths = NG_INPUTS.map(
      (input) => `log { source { ${sources[input]}; };
  destination { file("${join(this.folder, `${input}.jsonl`)}" 
    template("$(format-json --scope rfc5424 --key .SDATA.*)\\n")); };
};`,
    );
    return `@version: 3.35
options { keep-hostname(yes); use-dns(no); dns-cache(no); log-msg-size(65536); stats-freq(0); };
${paths.join('\n')}
`;
  }
}
