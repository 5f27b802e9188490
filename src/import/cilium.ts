/**
 * Network policies of Cilium: `toFQDNs` of their egress rules. A `*` there stays within a label, so
 * `*.x` is one label below `x`; here it is any depth. That is left out, or with `--widen` taken as
 * the wider one. `**.x` is any depth there, too.
 */

import type { Pattern } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { chosen, entriesOf, Gatherer } from './gather.ts';
import type { Imported, ImportedEntry, ImportedWorkload, Importer } from './imported.ts';
import { NOBODY } from './imported.ts';
import { covers, EVERYTHING, PARTS } from './names.ts';
import {
  type ForeignDocument,
  listOf,
  mapOf,
  type Path,
  readDocuments,
  textOf,
} from './yaml-source.ts';

const KINDS = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy'];
const SPEC_KEYS = [
  'endpointSelector',
  'nodeSelector',
  'egress',
  'description',
  'enableDefaultDeny',
  'labels',
];
const WIDENED = 'widened: one label there, any depth here';
const ANY_DEPTH =
  '`**.` is any depth in versions of Cilium that know it; older ones took it for one label';
const ASKED =
  'rules dns "*" lets any name be asked for; here only what toFQDNs lets be connected to may be';

interface Found {
  readonly exact: Pattern[];
  readonly widened: Pattern[];
}

/** One spec of a policy, and where it stands. */
interface Spec {
  readonly document: ForeignDocument;
  readonly path: Path;
  readonly value: Readonly<Record<string, unknown>>;
  readonly policy: string;
}

export const importCilium: Importer = (request): Imported => {
  const gatherer = new Gatherer();
  const workloads = readDocuments(request.text, 'network policy').flatMap((document) => {
    const { kind, items } = mapOf(document.value);
    const paths: Path[] = String(kind).endsWith('List')
      ? listOf(items).map((_, i) => ['items', i])
      : [[]];
    return paths.flatMap((path) => readPolicy(document, path, request.widen, gatherer));
  });
  if (workloads.length === 0) {
    throw new DnsvalveError('USAGE', `no network policy: kinds that are read: ${KINDS.join(', ')}`);
  }
  return {
    workloads: chosen(workloads, request.workload),
    everyone: NOBODY,
    feeds: [],
    lost: gatherer.lost,
    notes: [...new Set(gatherer.notes)],
  };
};

function readPolicy(
  document: ForeignDocument,
  path: Path,
  widen: boolean,
  gatherer: Gatherer,
): ImportedWorkload[] {
  const policy = mapOf(path.reduce<unknown>((value, key) => at(value, key), document.value));
  const kind = textOf(policy['kind']);
  const { name, namespace } = mapOf(policy['metadata']);
  if (!KINDS.includes(kind)) {
    if (document.value !== null) {
      gatherer.lose(
        document.lineOf(path),
        `${kind} ${textOf(name)}`.trim(),
        'not a kind that is read',
      );
    }
    return [];
  }
  const specs: Spec[] = [
    { key: 'spec', value: policy['spec'] },
    ...listOf(policy['specs']).map((value, i) => ({ key: ['specs', i], value })),
  ]
    .filter(({ value }) => value !== undefined)
    .map(({ key, value }) => {
      return {
        document,
        path: [...path, ...[key].flat()],
        value: mapOf(value),
        policy: textOf(name),
      };
    });
  return specs.map((spec) => readSpec(spec, textOf(namespace), widen, gatherer));
}

function at(value: unknown, key: string | number): unknown {
  return typeof key === 'number' ? listOf(value)[key] : mapOf(value)[key];
}

function readSpec(
  spec: Spec,
  namespace: string,
  widen: boolean,
  gatherer: Gatherer,
): ImportedWorkload {
  const { document, path, value, policy } = spec;
  for (const key of Object.keys(value)) {
    if (SPEC_KEYS.includes(key)) continue;
    gatherer.lose(
      document.lineOf([...path, key]),
      `${policy}: ${key}`,
      'not about names asked for',
    );
  }
  if (mapOf(value['enableDefaultDeny'])['egress'] === false) {
    const line = document.lineOf([...path, 'enableDefaultDeny']);
    gatherer.lose(line, `${policy}: enableDefaultDeny`, 'it denies nothing; `enforce` is set here');
  }
  const found: Found = { exact: [], widened: [] };
  for (const [i, rule] of listOf(value['egress']).entries()) {
    readEgress(spec, [...path, 'egress', i], { rule: mapOf(rule), found, widen }, gatherer);
  }
  const selector = JSON.stringify(value['endpointSelector'] ?? value['nodeSelector'] ?? {});
  const where = namespace === '' ? '' : ` in namespace ${namespace}`;
  const allow: ImportedEntry[] = entriesOf(found.exact);
  const wider = found.widened.filter((one) => !found.exact.some((other) => covers(other, one)));
  return {
    name: gatherer.word(policy, 'policy'),
    owner: '',
    mode: 'enforce',
    allow: [...allow, ...entriesOf(wider, WIDENED)],
    deny: [],
    remarks: [`Selects ${selector}${where}; sources are the addresses of those.`],
  };
}

interface Egress {
  readonly rule: Readonly<Record<string, unknown>>;
  readonly found: Found;
  readonly widen: boolean;
}

function readEgress(spec: Spec, path: Path, egress: Egress, gatherer: Gatherer): void {
  const { document, policy } = spec;
  const { rule } = egress;
  for (const [i, selector] of listOf(rule['toFQDNs']).entries()) {
    const place = document.lineOf([...path, 'toFQDNs', i]);
    const { matchName, matchPattern, ...rest } = mapOf(selector);
    gatherer.unknownKeys(rest, [], place, `${policy}: toFQDNs `);
    if (matchName !== undefined) addName(textOf(matchName), place, egress, gatherer);
    if (matchPattern !== undefined) addPattern(textOf(matchPattern), place, egress, gatherer);
  }
  for (const key of Object.keys(rule).filter((one) => one !== 'toFQDNs')) {
    const place = document.lineOf([...path, key]);
    if (key === 'toPorts') readPorts(rule, place, policy, gatherer);
    else gatherer.lose(place, `${policy}: ${key}`, 'about addresses, not names');
  }
}

function addName(name: string, line: number, { found }: Egress, gatherer: Gatherer): void {
  const pattern = gatherer.pattern('exact', name, line, `matchName ${name}`);
  if (pattern !== null) found.exact.push(pattern);
}

function addPattern(text: string, line: number, egress: Egress, gatherer: Gatherer): void {
  const { found, widen } = egress;
  const what = `matchPattern ${text}`;
  const match = /^(\*+)\.([^*]+)$/.exec(text.trim());
  if (!text.includes('*')) addName(text, line, egress, gatherer);
  else if (/^\*+$/.test(text.trim())) gatherer.lose(line, what, EVERYTHING);
  else if (match === null) gatherer.lose(line, what, PARTS);
  else {
    const pattern = gatherer.pattern('below', match[2] ?? '', line, what);
    if (pattern === null) return;
    if (match[1] !== '*') {
      gatherer.notes.push(ANY_DEPTH);
      found.exact.push(pattern);
      return;
    }
    if (widen) found.widened.push(pattern);
    const left = `one label there, any depth as ${pattern.text} here; --widen takes it so`;
    gatherer.lose(line, what, widen ? WIDENED : left);
  }
}

/** Ports, and what the proxy lets be asked for. */
function readPorts(
  rule: Readonly<Record<string, unknown>>,
  line: number,
  policy: string,
  gatherer: Gatherer,
): void {
  for (const one of listOf(rule['toPorts'])) {
    const { ports, rules } = mapOf(one);
    const numbers = listOf(ports).map((port) => textOf(mapOf(port)['port']));
    if (rule['toFQDNs'] !== undefined) {
      const why = 'a resolver sees names, not ports: close them in the network';
      gatherer.lose(line, `${policy}: ports ${numbers.join(', ')}`, why);
    }
    for (const [key, value] of Object.entries(mapOf(rules))) {
      if (key === 'dns') readAsked(value, line, policy, gatherer);
      else gatherer.lose(line, `${policy}: rules ${key}`, 'about what is said after the name');
    }
  }
}

/** Names that Cilium's proxy lets be asked for, whether or not they may be connected to. */
function readAsked(value: unknown, line: number, policy: string, gatherer: Gatherer): void {
  for (const selector of listOf(value)) {
    const { matchName, matchPattern } = mapOf(selector);
    const text = textOf(matchName ?? matchPattern);
    if (text === '*') gatherer.notes.push(ASKED);
    else gatherer.lose(line, `${policy}: rules dns ${text}`, 'only toFQDNs are read');
  }
}
