/**
 * Where alerts go, as one text each. Addresses only: a resolver that must ask itself for the name
 * of its collector cannot tell anybody that it is broken.
 */

import { SYSLOG_PORT } from './limits.ts';
import { parseSocketAddress } from './prefix.ts';
import type { SinkTarget } from './types.ts';

export const SINK_SCHEMES = [
  'syslog+udp://ADDRESS:PORT',
  'syslog+tcp://ADDRESS:PORT',
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

/** Target of a sink, or the problem with `text`. A file's path is still as it was written. */
export function parseSinkTarget(text: string): SinkTarget | string {
  const syslog = /^syslog\+(udp|tcp):\/\/(.*)$/.exec(text);
  if (syslog !== null) {
    const address = parseSocketAddress(syslog[2] ?? '', SYSLOG_PORT);
    if (typeof address === 'string') {
      const forms = '"syslog+udp://192.0.2.1:514" and "syslog+tcp://[2001:db8::1]:514"';
      return `"${text}" has no address behind "//"; accepted are ${forms} (addresses, no names)`;
    }
    const kind = syslog[1] === 'udp' ? 'syslog-udp' : 'syslog-tcp';
    return { kind, host: address.address, port: address.port };
  }
  const local = /^(unix|file):(.+)$/s.exec(text);
  if (local !== null) {
    const path = local[2] ?? '';
    if (path.includes('\0') || path.startsWith('//')) return `"${text}" has no path behind ":"`;
    if (local[1] === 'file') return { kind: 'file', path };
    return path.startsWith('/') ? { kind: 'unix', path } : `"${text}" needs an absolute path`;
  }
  if (/^(syslog\+tls|https):/.test(text))
    return `"${text}" is a sink that is not in this version; ${forms()}`;
  return `"${text}" is no sink; ${forms()}`;
}

function forms(): string {
  return `accepted are ${SINK_SCHEMES.join(', ')}`;
}
