/**
 * An alert as a message of the old syslog (RFC 3164), for collectors that know no other, and its
 * header for what rides on it. It has no year, no zone and no fields: who can, takes RFC 5424.
 *
 * <PRI>Nov 23 12:00:00 gw1 dnsvalve[42]: TYPE ID: sentence
 */

import { isIP } from 'node:net';
import type { Alert } from '../alert.ts';
import { headerName, sentence } from '../rfc5424.ts';
import { type Machine, PRODUCT } from './shared.ts';

/** RFC 3164 4.1: octets of a whole packet. */
export const PACKET_MAX = 1024;

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

export function rfc3164(alert: Alert, machine: Machine, facility: number): string {
  const content = ascii(`${alert.type} ${alert.id}: ${sentence(alert)}`);
  const tag = `${PRODUCT}[${machine.pid}]:`;
  return `${header3164(alert, machine, facility)} ${tag} ${content}`.slice(0, PACKET_MAX);
}

/** PRI, TIMESTAMP and HOSTNAME: what stands before a tag, or before `CEF:`. */
export function header3164(alert: Alert, { hostname }: Machine, facility: number): string {
  // RFC 3164 4.1.2: without a domain.
  const host = isIP(hostname) === 0 ? hostname.split('.')[0] : hostname;
  const priority = facility * 8 + alert.severity;
  return `<${priority}>${timestamp(new Date(alert.time))} ${headerName(host ?? '')}`;
}

/** RFC 3164 4.1.2: local time, a day below ten with a blank before it. */
function timestamp(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = String(time.getDate()).padStart(2, ' ');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${MONTHS[time.getMonth()]} ${day} ${clock}`;
}

/** RFC 3164 4.1: seven-bit characters; others as `\uXXXX`, of each UTF-16 unit. */
function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}
