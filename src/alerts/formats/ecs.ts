/**
 * An alert as a document of the Elastic Common Schema. What the schema has no field for stands
 * under `dnsvalve`, by the names of the JSON document; a field without a value is left out.
 */

import { isIP, isIPv4 } from 'node:net';
import type { Alert, Verdict } from '../alert.ts';
import { sentence } from '../rfc5424.ts';
import { compact, type Machine, PRODUCT, techniquesOf } from './shared.ts';

export const ECS_VERSION = '9.4.0';

const OUTCOMES: Record<Verdict, string> = {
  allowed: 'success',
  denied: 'failure',
  failed: 'failure',
};

/** Names of syslog severities, as log.level has them. */
const LEVELS = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug'];

export function ecs(alert: Alert, machine: Machine): string {
  const addresses = alert.answers.filter((text) => isIP(text) !== 0);
  return JSON.stringify(
    compact({
      '@timestamp': alert.time,
      message: sentence(alert),
      ecs: { version: ECS_VERSION },
      event: eventOf(alert),
      log: { level: LEVELS[alert.severity], syslog: { severity: { code: alert.severity } } },
      observer: {
        vendor: PRODUCT,
        product: PRODUCT,
        type: 'dns',
        version: machine.version,
        hostname: machine.hostname,
      },
      source: sourceOf(alert),
      dns: dnsOf(alert, addresses),
      related: {
        ip: [...new Set([sourceOf(alert)?.ip ?? [], addresses].flat())],
        hosts: [...new Set([alert.qname ?? [], alert.examples].flat())],
      },
      rule: { name: alert.rule, category: alert.type },
      threat: threatOf(alert),
      labels: { workload: alert.workload, owner: alert.owner, env: alert.env },
      dnsvalve: ownOf(alert),
    }),
  );
}

function eventOf(alert: Alert) {
  const { verdict, window, detector, qname, workload, type } = alert;
  const isPast = type === 'retro-hit';
  const isDetected = isPast || detector !== null || (qname === null && workload !== null);
  return {
    kind: 'alert',
    category: isDetected ? ['intrusion_detection', 'network'] : ['network'],
    type: [verdict === 'allowed' || verdict === 'denied' ? verdict : 'info'],
    outcome: verdict === null ? 'unknown' : OUTCOMES[verdict],
    id: alert.id,
    code: alert.type,
    action: alert.type,
    severity: alert.severity,
    reason: alert.reason,
    module: PRODUCT,
    dataset: `${PRODUCT}.alert`,
    provider: PRODUCT,
    start: window?.first,
    end: window?.last,
  };
}

/** `address` is what was seen, `ip` only what is one: it is a typed field. */
function sourceOf({ source }: Alert): { address: string; ip: string | null } | null {
  return source === null ? null : { address: source, ip: isIP(source) === 0 ? null : source };
}

function dnsOf(alert: Alert, addresses: readonly string[]) {
  if (alert.qname === null) return null;
  return {
    type: addresses.length === 0 ? 'query' : 'answer',
    question: {
      name: alert.qname,
      registered_domain: alert.registrable_domain,
      type: alert.qtype,
      class: 'IN',
    },
    answers: addresses.map((data) => ({ data, type: isIPv4(data) ? 'A' : 'AAAA', class: 'IN' })),
    resolved_ip: addresses,
  };
}

function threatOf(alert: Alert) {
  const { technique, sub } = techniquesOf(alert);
  if (technique === null) return null;
  return {
    framework: 'MITRE ATT&CK',
    technique: { id: [technique], subtechnique: sub === null ? null : { id: [sub] } },
  };
}

function ownOf(alert: Alert) {
  const { version, verdict, would_deny, mode, subject, first_seen, unusual_hour } = alert;
  const { policy_revision, count, examples, detector, score, threshold, parts } = alert;
  return {
    ...{ version, verdict, would_deny, mode, subject, first_seen, unusual_hour },
    ...{ policy_revision, count, examples, detector, score, threshold },
    // Values are texts, so that the field has one type; the words are in `reason` already.
    parts: parts.map(({ name, value }) => ({ name, value: String(value) })),
  };
}
