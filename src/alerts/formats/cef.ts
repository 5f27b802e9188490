/**
 * An alert as ArcSight Common Event Format, version 0 (CEF specification 0.1, document version 27).
 * What no key of its dictionary fits has a key of our own, named as the document asks:
 * vendor, product, name.
 *
 * CEF:0|dnsvalve|dnsvalve|VERSION|TYPE|Name|SEVERITY|key=value key=value
 */

import { isIPv4, isIPv6 } from 'node:net';
import type { Alert } from '../alert.ts';
import { HEADLINES, sentence } from '../rfc5424.ts';
import { cut, examplesText, type Machine, PRODUCT } from './shared.ts';

/** By syslog severity 0..7: 0-3 is low, 4-6 medium, 7-8 high, 9-10 very high. */
const SEVERITIES = [10, 10, 9, 8, 6, 3, 1, 0] as const;

/** Lengths of the dictionary, of all texts that may be longer; others are custom strings. */
const CUSTOM_MAX = 4000;
const LENGTHS: Readonly<Record<string, number>> = {
  destinationDnsDomain: 255,
  dhost: 1023,
  dvchost: 100,
  flexString1: 1023,
  flexString2: 1023,
  msg: 1023,
  reason: 1023,
};

type Value = string | number | null;

/** Without the syslog header that stands before it on the wire. */
export function cef(alert: Alert, machine: Machine): string {
  const name = HEADLINES[alert.type];
  const severity = SEVERITIES[alert.severity] ?? 0;
  const head = [PRODUCT, PRODUCT, machine.version, alert.type, name].map(escapeHeader).join('|');
  return `CEF:0|${head}|${severity}|${extension(fieldsOf(alert, machine))}`;
}

/** The pipe parts the header; line ends must not stand in it. */
export function escapeHeader(text: string): string {
  return text.replace(/[\r\n]/g, ' ').replace(/[\\|]/g, '\\$&');
}

/** The equals sign parts key and value; line ends are written as letters. */
export function escapeValue(text: string): string {
  return text.replace(/[\\=]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}

function extension(fields: readonly (readonly [string, Value])[]): string {
  return fields
    .filter(([, value]) => value !== null)
    .map(([key, value]) => {
      const text = cut(String(value), LENGTHS[key] ?? CUSTOM_MAX);
      // Blanks at an end would be read as the gap before the next key.
      return `${key}=${escapeValue(text.trim())}`;
    })
    .join(' ');
}

function fieldsOf(alert: Alert, machine: Machine): (readonly [string, Value])[] {
  const { source, window } = alert;
  return [
    ['rt', Date.parse(alert.time)],
    ['start', window === null ? null : Date.parse(window.first)],
    ['end', window === null ? null : Date.parse(window.last)],
    ['cnt', alert.count],
    ['externalId', alert.id],
    ['dvchost', machine.hostname],
    ['app', 'DNS'],
    ['act', alert.verdict],
    // src is an IPv4 address in this version of CEF.
    ['src', source !== null && isIPv4(source) ? source : null],
    ...labelled('c6a1', 'source', source !== null && isIPv6(source) ? source : null),
    ['dhost', alert.qname],
    ['destinationDnsDomain', alert.registrable_domain],
    ['reason', alert.reason],
    ['msg', sentence(alert)],
    ...labelled('cs1', 'workload', alert.workload),
    ...labelled('cs2', 'rule', alert.rule),
    ...labelled('cs3', 'qtype', alert.qtype),
    ...labelled('cs4', 'technique', alert.technique),
    ...labelled('cs5', 'parts', partsText(alert)),
    ...labelled('cs6', 'subject', alert.subject),
    ...labelled('cn1', 'score', whole(alert.score)),
    ...labelled('cn2', 'threshold', whole(alert.threshold)),
    ...labelled('cn3', 'policy_revision', alert.policy_revision),
    ...labelled('flexString1', 'mode', alert.mode),
    ...labelled('flexString2', 'detector', alert.detector),
    ...labelled('deviceCustomDate1', 'first_seen', dateOf(alert.first_seen)),
    ...ownFields(alert),
  ];
}

function ownFields(alert: Alert): (readonly [string, Value])[] {
  const { answers, unusual_hour: unusual } = alert;
  return [
    ['DnsvalveDnsvalveVersion', alert.version],
    ['DnsvalveDnsvalveOwner', alert.owner],
    ['DnsvalveDnsvalveEnv', alert.env],
    ['DnsvalveDnsvalveWouldDeny', String(alert.would_deny)],
    ['DnsvalveDnsvalveUnusualHour', unusual === null ? null : String(unusual)],
    ['DnsvalveDnsvalveAnswers', answers.length === 0 ? null : answers.join(',')],
    ['DnsvalveDnsvalveExamples', examplesText(alert)],
  ];
}

/** A key of many uses, with the label that says which. */
function labelled(key: string, label: string, value: Value): (readonly [string, Value])[] {
  return value === null
    ? []
    : [
        [key, value],
        [`${key}Label`, label],
      ];
}

function dateOf(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}

/** Of cn1 to cn3, which hold no fractions. */
function whole(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}

function partsText({ parts }: Alert): string | null {
  return parts.length === 0 ? null : parts.map(({ name, value }) => `${name}=${value}`).join(',');
}
