/**
 * Rules of the Open Cybersecurity Schema Framework 1.8.0 for the classes DNS Activity and Detection
 * Finding with the profiles security control and host: of each object the attributes that are in use
 * here, those that are required, and of which at least one must be given.
 */

interface Rules {
  readonly required: readonly string[];
  readonly atLeastOne?: readonly string[];
  /** A type, `[]` behind it for an array, or the numbers that are allowed. */
  readonly attributes: Readonly<Record<string, string | readonly number[]>>;
}

const CLASSIFICATION = {
  category_name: 'string',
  class_name: 'string',
  type_uid: 'integer',
  time: 'timestamp',
  timezone_offset: 'integer',
  severity_id: [0, 1, 2, 3, 4, 5, 6, 99],
  message: 'string',
  metadata: 'metadata',
  observables: 'observable[]',
  unmapped: 'any',
  count: 'integer',
  start_time: 'timestamp',
  end_time: 'timestamp',
  device: 'device', // profile host
  action_id: [0, 1, 2, 3, 4, 99], // profile security control, as what follows
  disposition_id: [...Array(28).keys(), 99],
  firewall_rule: 'rule',
  is_alert: 'boolean',
} as const;

const CLASS_REQUIRED = ['activity_id', 'category_uid', 'class_uid', 'type_uid', 'time'];
const BASE_REQUIRED = [...CLASS_REQUIRED, 'severity_id', 'metadata'];

const ENDPOINT_NAMES = ['ip', 'uid', 'name', 'hostname', 'svc_name', 'instance_uid'];

export const OCSF: Readonly<Record<string, Rules>> = {
  4003: {
    required: BASE_REQUIRED,
    atLeastOne: ['dst_endpoint', 'src_endpoint'],
    attributes: {
      ...CLASSIFICATION,
      category_uid: [4],
      class_uid: [4003],
      activity_id: [0, 1, 2, 6, 99],
      status_id: [0, 1, 2, 99],
      status_detail: 'string',
      attacks: 'attack[]',
      src_endpoint: 'endpoint',
      dst_endpoint: 'endpoint',
      query: 'query',
      answers: 'answer[]',
    },
  },
  2004: {
    required: [...BASE_REQUIRED, 'finding_info'],
    attributes: {
      ...CLASSIFICATION,
      category_uid: [2],
      class_uid: [2004],
      activity_id: [0, 1, 2, 3, 99],
      status_id: [0, 1, 2, 3, 4, 5, 6, 99],
      finding_info: 'finding_info',
      evidences: 'evidence[]',
      resources: 'resource[]',
    },
  },
  metadata: {
    required: ['product', 'version'],
    attributes: {
      version: 'string',
      product: 'product',
      profiles: 'string[]',
      uid: 'string',
      event_code: 'string',
      log_name: 'string',
      log_version: 'string',
    },
  },
  product: {
    required: ['vendor_name'],
    attributes: { name: 'string', vendor_name: 'string', version: 'string' },
  },
  observable: {
    required: ['type_id'],
    attributes: { name: 'string', type_id: [0, 1, 2, 99], value: 'string' },
  },
  device: {
    required: ['type_id'],
    atLeastOne: ENDPOINT_NAMES,
    attributes: { hostname: 'string', type_id: [...Array(16).keys(), 99] },
  },
  rule: { required: [], attributes: { name: 'string' } },
  endpoint: {
    required: [],
    atLeastOne: ENDPOINT_NAMES,
    attributes: { ip: 'ip', name: 'string', hostname: 'string', svc_name: 'string' },
  },
  query: {
    required: ['hostname'],
    attributes: {
      hostname: 'string',
      type: 'string',
      class: 'string',
      opcode_id: [0, 1, 2, 3, 4, 5, 6, 99],
    },
  },
  answer: {
    required: ['rdata'],
    attributes: { rdata: 'string', type: 'string', class: 'string' },
  },
  attack: {
    required: [],
    atLeastOne: ['tactic', 'technique', 'sub_technique'],
    attributes: { technique: 'technique', sub_technique: 'technique' },
  },
  technique: { required: [], atLeastOne: ['name', 'uid'], attributes: { uid: 'string' } },
  finding_info: {
    required: ['uid'],
    attributes: {
      uid: 'string',
      title: 'string',
      desc: 'string',
      types: 'string[]',
      analytic: 'analytic',
      attacks: 'attack[]',
      created_time: 'timestamp',
    },
  },
  analytic: {
    required: ['type_id'],
    atLeastOne: ['name', 'uid'],
    attributes: { name: 'string', type_id: [...Array(12).keys(), 99] },
  },
  evidence: {
    required: [],
    atLeastOne: ['data', 'query', 'src_endpoint', 'device', 'resources'],
    attributes: { query: 'query', src_endpoint: 'endpoint', data: 'any' },
  },
  resource: {
    required: [],
    atLeastOne: ['name', 'uid'],
    attributes: { name: 'string', type: 'string', owner: 'user' },
  },
  user: { required: [], atLeastOne: ['account', 'name', 'uid'], attributes: { name: 'string' } },
};
