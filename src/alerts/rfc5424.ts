/**
 * An alert as one RFC 5424 message (header, STRUCTURED-DATA with every field, a sentence as MSG;
 * or a document as MSG). No framing (that is the TCP sink's) and no sending.
 *
 * <PRI>1 TIME HOST dnsvalve PID TYPE [dnsvalve@32473 id=".." ...][meta sequenceId="1"] sentence
 */

import { hostname } from 'node:os';
import type { Alert, AlertType } from './alert.ts';
import { examplesText, readable } from './formats/shared.ts';
import type { Encode } from './sinks/sink.ts';

export const APP_NAME = 'dnsvalve';
/**
 * RFC 5424 7.2.2 asks for a private enterprise number. The project has none, so this is 32473,
 * the one reserved for documentation (RFC 5612).
 */
export const SD_ID = `${APP_NAME}@32473`;
/** Octets of one message. Collectors should take 2,048 (RFC 5424 6.1); rsyslog takes 8 KiB. */
export const MESSAGE_MAX = 8192;
/** RFC 5424 7.3.1: sequenceId runs from 1 to 2147483647 and starts again at 1. */
export const SEQUENCE_MAX = 2_147_483_647;
/** Octets kept free for the header's end, the sequence and the start of the sentence. */
const RESERVED = 512;
const HOSTNAME_MAX = 255;

export interface MessageOptions {
  /** 0..23. */
  readonly facility: number;
  /** HOSTNAME of the header; the machine's own when not given. */
  readonly hostname?: string;
  /** PROCID of the header; this process when not given. */
  readonly pid?: number;
}

const encoder = new TextEncoder();

/** An encoder with a sequence of its own, starting at 1; a gap shows the collector a loss. */
export function messageEncoder(options: MessageOptions): Encode {
  return framed(options, ({ header, meta }, raw) => {
    const alert = readable(raw);
    const data = structuredData(alert, MESSAGE_MAX - header.length - RESERVED);
    return `${header} ${data}${meta} ${sentence(alert)}`;
  });
}

/** The same frame with a document as MSG, which `write` makes of at most `max` octets. */
export function documentEncoder(
  options: MessageOptions,
  write: (alert: Alert, max: number) => string,
): Encode {
  return framed(options, ({ header, meta }, alert) => {
    const start = `${header} ${meta} `;
    return start + write(alert, MESSAGE_MAX - start.length);
  });
}

interface Frame {
  readonly header: string;
  readonly meta: string;
}

function framed(options: MessageOptions, write: (frame: Frame, alert: Alert) => string): Encode {
  const host = headerName(options.hostname ?? hostname());
  const pid = options.pid ?? process.pid;
  let sequence = 0;
  return (alert) => {
    sequence = sequence === SEQUENCE_MAX ? 1 : sequence + 1;
    const priority = options.facility * 8 + alert.severity;
    const header = `<${priority}>1 ${alert.time} ${host} ${APP_NAME} ${pid} ${alert.type}`;
    const meta = `[meta sequenceId="${sequence}"]`;
    return clip(encoder.encode(write({ header, meta }, alert)));
  };
}

/** RFC 5424 6.2.4: printable US-ASCII without spaces, or the nil value. */
export function headerName(text: string): string {
  const name = text.replace(/[^\x21-\x7e]/g, '').slice(0, HOSTNAME_MAX);
  return name === '' ? '-' : name;
}

/** RFC 5424 6.3.3: only `"`, `\` and `]` are escaped inside a PARAM-VALUE. */
export function escapeValue(text: string): string {
  return text.replace(/["\\\]]/g, '\\$&');
}

/** Fields that have a value, the short and decisive ones first; names are those of the document. */
function fieldsOf(alert: Alert): (readonly [string, string | number | boolean | null])[] {
  return [
    ['version', alert.version],
    ['id', alert.id],
    ['type', alert.type],
    ['severity', alert.severity],
    ['verdict', alert.verdict],
    ['would_deny', alert.would_deny],
    ['mode', alert.mode],
    ['count', alert.count],
    ['window_first', alert.window?.first ?? null],
    ['window_last', alert.window?.last ?? null],
    ['detector', alert.detector],
    ['score', alert.score],
    ['threshold', alert.threshold],
    ['first_seen', alert.first_seen],
    ['unusual_hour', alert.unusual_hour],
    ['policy_revision', alert.policy_revision],
    ['technique', alert.technique],
    ['source', alert.source],
    ['qtype', alert.qtype],
    ['workload', alert.workload],
    ['registrable_domain', alert.registrable_domain],
    ['qname', alert.qname],
    ['owner', alert.owner],
    ['env', alert.env],
    ['subject', alert.subject],
    ['answers', alert.answers.length === 0 ? null : alert.answers.join(',')],
    ['reason', alert.reason],
    ['parts', partsText(alert)],
    ['rule', alert.rule],
    ['examples', examplesText(alert)],
  ];
}

/** `name=value` of each; the words for people are in the JSON document. */
function partsText({ parts }: Alert): string | null {
  return parts.length === 0 ? null : parts.map(({ name, value }) => `${name}=${value}`).join(',');
}

/** One SD-ELEMENT of at most `max` octets; a field that does not fit is left out whole. */
function structuredData(alert: Alert, max: number): string {
  let data = `[${SD_ID}`;
  let octets = data.length + 1;
  for (const [name, value] of fieldsOf(alert)) {
    if (value === null) continue;
    const param = ` ${name}="${escapeValue(String(value))}"`;
    const size = Buffer.byteLength(param);
    if (octets + size > max) continue;
    data += param;
    octets += size;
  }
  return `${data}]`;
}

/** What happened, without who and what. */
export const HEADLINES: Record<AlertType, string> = {
  'new-destination': 'asked for a new destination',
  denied: 'was denied',
  'would-deny-new': 'asked for a new destination that enforce would deny',
  'unmapped-source': 'belongs to no workload and asked for',
  rebinding: 'got a private address refused for',
  'resolver-bypass': 'asked for a way around this resolver',
  'low-reputation': 'asked for a listed name',
  tunnel: 'carries data in DNS',
  dga: 'asks for generated names',
  volume: 'asks more than is usual',
  'nxdomain-burst': 'asks for names that do not exist',
  'break-glass': 'has an exception that nobody approved',
  'exception-used': 'uses an exception',
  'exception-expired': 'has an exception that is over',
  quarantine: 'is in quarantine, or was',
  'retro-hit': 'asked, before it was listed, for a name of a feed',
  'rate-limited': 'asks more than it may',
  'feed-stale': 'is stale',
  'upstream-down': 'is down',
  'storage-down': 'is not written, or was not',
  'worker-restarted': 'died and was started anew',
  'alerts-lost': 'did not get all alerts',
  'alerts-suppressed': 'took no more alerts',
  test: 'sends a test',
};

/** Of `low-reputation` by its score; by a feed it is listed. */
const LOW_SCORE = 'asked for a name of low reputation';

/** What happened, for a person who reads the line. */
export function sentence(alert: Alert): string {
  const headline = alert.detector === 'reputation' ? LOW_SCORE : HEADLINES[alert.type];
  // The query of a retro-hit is long past, and its reason says all of it.
  if (alert.qname === null || alert.type === 'retro-hit') {
    const what = alert.workload === null ? (alert.subject ?? '') : `workload ${alert.workload}`;
    return `${what} ${headline}: ${alert.reason}`;
  }
  const who =
    alert.type === 'unmapped-source'
      ? `source ${alert.source}`
      : `workload ${alert.workload} (${alert.source})`;
  const times = alert.count === 1 ? '' : `, ${alert.count} queries`;
  const what = `${alert.qname} ${alert.qtype}`;
  return `${who} ${headline}: ${what}, ${alert.verdict}: ${alert.reason}${times}`;
}

/** Cuts at MESSAGE_MAX without splitting a UTF-8 sequence (RFC 3629: 10xxxxxx continues one). */
function clip(octets: Uint8Array): Uint8Array {
  if (octets.length <= MESSAGE_MAX) return octets;
  let end = MESSAGE_MAX;
  while (end > 0 && ((octets[end] ?? 0) & 0xc0) === 0x80) end--;
  return octets.subarray(0, end);
}
