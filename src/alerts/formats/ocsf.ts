/**
 * An alert as an event of the Open Cybersecurity Schema Framework: DNS Activity (class 4003) where
 * it is about a query of now and no detector, Detection Finding (class 2004) otherwise. What the
 * schema has no attribute for stands in `unmapped`, by the names of the JSON document.
 */

import { isIP, isIPv4 } from 'node:net';
import type { Alert, Verdict } from '../alert.ts';
import { sentence } from '../rfc5424.ts';
import { compact, type Machine, PRODUCT, techniquesOf } from './shared.ts';

export const OCSF_VERSION = '1.8.0';

const FINDINGS = { category_uid: 2, class_uid: 2004, class_name: 'Detection Finding' } as const;
const ACTIVITY = { category_uid: 4, class_uid: 4003, class_name: 'DNS Activity' } as const;

/** `activity_id` of each class. */
const CREATE = 1;
const QUERY = 1;
const TRAFFIC = 6; // a query and its response

/** By syslog severity 0..7: fatal, critical, high, medium, low, informational. */
const SEVERITIES = [6, 5, 5, 4, 3, 2, 1, 1] as const;

interface Outcome {
  readonly action_id: number;
  readonly disposition_id: number;
  readonly status_id: number;
}

const OUTCOMES: Record<Verdict, Outcome> = {
  allowed: { action_id: 1, disposition_id: 1, status_id: 1 }, // Allowed, Allowed, Success
  denied: { action_id: 2, disposition_id: 2, status_id: 2 }, // Denied, Blocked, Failure
  failed: { action_id: 1, disposition_id: 27, status_id: 2 }, // Allowed, Error, Failure
};

/** `type_id` of an analytic: 1 is a rule, 2 behaviour, 3 statistics. */
const RULE = 1;
const BEHAVIORAL = 2;
const STATISTICAL = 3;
/** `type_id` of a device: a server. */
const SERVER = 1;
/** `type_id` of observables. */
const HOSTNAME = 1;
const IP_ADDRESS = 2;

export function ocsf(alert: Alert, machine: Machine): string {
  const isFinding = alert.detector !== null || alert.type === 'retro-hit';
  const isActivity = alert.qname !== null && !isFinding && endpointOf(alert) !== null;
  const event = isActivity ? activity(alert, machine) : finding(alert, machine);
  return JSON.stringify(compact(event));
}

function activity(alert: Alert, machine: Machine) {
  const activityId = alert.answers.length === 0 ? QUERY : TRAFFIC;
  return {
    ...base(alert, machine, { ...ACTIVITY, activity_id: activityId }),
    ...outcomeOf(alert),
    ...aggregate(alert),
    status_detail: alert.reason,
    src_endpoint: endpointOf(alert),
    dst_endpoint: { hostname: machine.hostname, svc_name: PRODUCT },
    query: queryOf(alert),
    answers: alert.answers.map((rdata) => ({ rdata, ...(isIP(rdata) === 0 ? {} : typed(rdata)) })),
    attacks: attacksOf(alert),
  };
}

function typed(address: string) {
  return { type: isIPv4(address) ? 'A' : 'AAAA', class: 'IN' };
}

function finding(alert: Alert, machine: Machine) {
  const { window } = alert;
  const { action_id, disposition_id } = outcomeOf(alert);
  return {
    ...base(alert, machine, { ...FINDINGS, activity_id: CREATE }),
    ...{ action_id, disposition_id },
    status_id: 1, // New
    start_time: window === null ? null : Date.parse(window.first),
    end_time: window === null ? null : Date.parse(window.last),
    finding_info: {
      uid: alert.id,
      title: sentence(alert),
      desc: alert.reason,
      types: [alert.type],
      analytic: analyticOf(alert),
      attacks: attacksOf(alert),
      created_time: Date.parse(alert.time),
    },
    evidences: evidenceOf(alert),
    resources: resourcesOf(alert),
  };
}

type Class = (typeof FINDINGS | typeof ACTIVITY) & { readonly activity_id: number };

/** What every class requires, and the profiles security control and host. */
function base(alert: Alert, machine: Machine, kind: Class) {
  return {
    ...kind,
    type_uid: kind.class_uid * 100 + kind.activity_id,
    time: Date.parse(alert.time),
    timezone_offset: 0,
    severity_id: SEVERITIES[alert.severity] ?? 0,
    message: sentence(alert),
    is_alert: true,
    metadata: {
      version: OCSF_VERSION,
      profiles: ['security_control', 'host'],
      product: { name: PRODUCT, vendor_name: PRODUCT, version: machine.version },
      uid: alert.id,
      event_code: alert.type,
      log_name: 'alerts',
      log_version: String(alert.version),
    },
    device: { hostname: machine.hostname, type_id: SERVER },
    firewall_rule: { name: alert.rule },
    observables: observablesOf(alert),
    unmapped: unmappedOf(alert),
  };
}

function outcomeOf({ verdict }: Alert): Outcome {
  return verdict === null ? { action_id: 0, disposition_id: 0, status_id: 0 } : OUTCOMES[verdict];
}

/** Only where the event stands for several. */
function aggregate({ count, window }: Alert) {
  if (window === null) return {};
  return { count, start_time: Date.parse(window.first), end_time: Date.parse(window.last) };
}

/** An endpoint needs an address or a name. */
function endpointOf({ source, workload }: Alert) {
  const ip = source !== null && isIP(source) !== 0 ? source : null;
  return ip === null && workload === null ? null : { ip, name: workload };
}

function queryOf({ qname, qtype }: Alert) {
  return qname === null ? null : { hostname: qname, type: qtype, class: 'IN', opcode_id: 0 };
}

function attacksOf(alert: Alert) {
  const { technique, sub } = techniquesOf(alert);
  if (technique === null) return [];
  return [{ technique: { uid: technique }, sub_technique: sub === null ? null : { uid: sub } }];
}

function analyticOf({ type, detector }: Alert) {
  if (detector === null) return { name: type, type_id: BEHAVIORAL };
  return { name: detector, type_id: detector === 'budget' ? RULE : STATISTICAL };
}

function evidenceOf(alert: Alert) {
  const { parts } = alert;
  const query = queryOf(alert);
  const src_endpoint = endpointOf(alert);
  const data =
    parts.length === 0 ? null : Object.fromEntries(parts.map(({ name, value }) => [name, value]));
  return query === null && src_endpoint === null && data === null
    ? []
    : [{ query, src_endpoint, data }];
}

function resourcesOf({ workload, owner }: Alert) {
  if (workload === null) return [];
  return [{ name: workload, type: 'workload', owner: { name: owner } }];
}

function observablesOf(alert: Alert) {
  const ip = endpointOf(alert)?.ip ?? null;
  return [
    ...(alert.qname === null
      ? []
      : [{ name: 'query.hostname', type_id: HOSTNAME, value: alert.qname }]),
    ...(ip === null ? [] : [{ name: 'src_endpoint.ip', type_id: IP_ADDRESS, value: ip }]),
    ...alert.examples
      .filter((name) => name !== alert.qname)
      .map((value) => ({ name: 'unmapped.examples', type_id: HOSTNAME, value })),
  ];
}

function unmappedOf(alert: Alert) {
  const { workload, owner, env, registrable_domain, would_deny, mode, subject, first_seen } = alert;
  const { unusual_hour, policy_revision, count, examples, detector, score, threshold } = alert;
  return {
    ...{ workload, owner, env, registrable_domain, would_deny, mode, subject, first_seen },
    ...{ unusual_hour, policy_revision, count, examples, detector, score, threshold },
  };
}
