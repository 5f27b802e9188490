/**
 * Where alerts go, as one text each, and what an entry says about the way there. Syslog by address
 * only: a resolver that must ask itself for the name of its collector cannot tell anybody that it
 * is broken. The name behind `#` is what the collector's certificate must be for.
 */

import { SYSLOG_PORT, SYSLOG_TLS_PORT } from './limits.ts';
import { parseName } from './pattern.ts';
import { parseSocketAddress } from './prefix.ts';
import type { SecretRef, SinkPlace } from './sink-types.ts';

export const SINK_SCHEMES = [
  'syslog+udp://ADDRESS:PORT',
  'syslog+tcp://ADDRESS:PORT',
  'syslog+tls://ADDRESS:PORT#NAME',
  'https://HOST/PATH',
  'unix:/dev/log',
  'file:PATH',
] as const;

/** RFC 5424 6.2.1, in the order of their numbers. */
export const FACILITIES = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'clock',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

/** Place of a sink, or the problem with `text`. A file's path is still as it was written. */
export function parseSinkPlace(text: string): SinkPlace | string {
  const syslog = /^syslog\+(udp|tcp|tls):\/\/(.*)$/.exec(text);
  if (syslog !== null) return syslogPlace(text, syslog[1] ?? '', syslog[2] ?? '');
  if (text.startsWith('https:')) return httpsPlace(text);
  const local = /^(unix|file):(.+)$/s.exec(text);
  if (local !== null) {
    const path = local[2] ?? '';
    if (path.includes('\0') || path.startsWith('//')) return `"${text}" has no path behind ":"`;
    if (local[1] === 'file') return { kind: 'file', path };
    return path.startsWith('/') ? { kind: 'unix', path } : `"${text}" needs an absolute path`;
  }
  return `"${text}" is no sink; ${forms()}`;
}

function syslogPlace(text: string, transport: string, rest: string): SinkPlace | string {
  const isTls = transport === 'tls';
  const hash = isTls ? rest.indexOf('#') : -1;
  const place = hash === -1 ? rest : rest.slice(0, hash);
  const address = parseSocketAddress(place, isTls ? SYSLOG_TLS_PORT : SYSLOG_PORT);
  if (typeof address === 'string') {
    const shown = isTls
      ? '"syslog+tls://192.0.2.1:6514" and, for a certificate with a name, ' +
        '"syslog+tls://192.0.2.1:6514#siem.example"'
      : '"syslog+udp://192.0.2.1:514" and "syslog+tcp://[2001:db8::1]:514"';
    return `"${text}" has no address behind "//"; accepted are ${shown} (addresses, no names)`;
  }
  const { address: host, port } = address;
  if (transport === 'udp') return { kind: 'syslog-udp', host, port };
  if (transport === 'tcp') return { kind: 'syslog-tcp', host, port };
  if (hash === -1) return { kind: 'syslog-tls', host, port, peer: host };
  const peer = rest.slice(hash + 1);
  const name = parseName(peer);
  if (typeof name === 'string') return `"${text}": the name behind "#": ${name}`;
  return { kind: 'syslog-tls', host, port, peer };
}

function httpsPlace(text: string): SinkPlace | string {
  if (!URL.canParse(text)) return `"${text}" is no URL; accepted is "https://HOST:PORT/PATH"`;
  const { protocol, username, password, hash, href } = new URL(text);
  if (protocol !== 'https:' || !text.startsWith('https://')) return `"${text}" is no https:// URL`;
  if (username !== '' || password !== '') {
    return `"https:" with a password in it; say \`secret: file:PATH\`, and verify the signature`;
  }
  return hash === '' ? { kind: 'https', url: href } : `"${text}" has a "#"; nothing would send it`;
}

function forms(): string {
  return `accepted are ${SINK_SCHEMES.join(', ')}`;
}

/** Where a secret stands, or the problem with `text`; never the secret. */
export function parseSecretRef(text: string): SecretRef | string {
  const file = /^file:(?!\/\/)([^\0]+)$/s.exec(text)?.[1];
  if (file !== undefined) return { kind: 'file', path: file };
  const name = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
  if (name !== undefined) return { kind: 'env', name };
  // What stands here instead may be the secret itself: it is not repeated.
  return 'accepted are "file:PATH" and "env:NAME"; secrets do not stand in the configuration';
}
