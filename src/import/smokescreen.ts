/**
 * ACLs of Smokescreen, the CONNECT proxy: services with allowed domains and an action, a default,
 * and two global lists. `*.x` is any depth below `x` there as here.
 *
 * The order differs. There a service's own list comes before the global deny list; here a deny
 * always wins. So a global deny goes to everybody only where no service allows what it names; a
 * service that does gets it as its own deny, or not at all where it would change nothing.
 */

import type { Pattern } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { chosen, entriesOf, Gatherer } from './gather.ts';
import type { Imported, ImportedWorkload, Importer } from './imported.ts';
import { covers, overlaps } from './names.ts';
import {
  type ForeignDocument,
  listOf,
  mapOf,
  type Path,
  readDocuments,
  textOf,
} from './yaml-source.ts';

const TOP_KEYS = ['version', 'services', 'default', 'global_allow_list', 'global_deny_list'];
const RULE_KEYS = [
  'name',
  'project',
  'action',
  'allowed_domains',
  'mitm_domains',
  'allowed_external_proxies',
];
const DEFAULT_NAME = 'default';

interface Service {
  readonly name: string;
  readonly owner: string;
  readonly mode: ImportedWorkload['mode'];
  readonly allow: readonly Pattern[];
  readonly isDefault: boolean;
  readonly line: number;
}

/** A global list's pattern with its line. */
interface Placed {
  readonly pattern: Pattern;
  readonly line: number;
}

export const importSmokescreen: Importer = (request): Imported => {
  const [document] = readDocuments(request.text, 'Smokescreen ACL');
  const top = mapOf(document?.value);
  if (document === undefined || !Array.isArray(top['services'])) {
    throw new DnsvalveError('USAGE', 'no Smokescreen ACL: it has no list `services`');
  }
  const gatherer = new Gatherer();
  gatherer.unknownKeys(top, TOP_KEYS, 1, '');
  const services = top['services'].map((_, i) => readRule(document, ['services', i], gatherer));
  if (top['default'] !== undefined) services.push(readRule(document, ['default'], gatherer));
  else gatherer.notes.push('there is no default: what no workload claims is `unmapped`, denied');
  const denied = readList(document, 'global_deny_list', gatherer);
  const allowed = readList(document, 'global_allow_list', gatherer).map(({ pattern }) => pattern);
  const meant = chosen(services, request.workload);
  const isForAll = ({ pattern }: Placed): boolean =>
    services.every(({ allow }) => !allow.some((own) => overlaps(own, pattern)));
  const split = denied.filter((one) => !isForAll(one));
  return {
    workloads: meant.map((service) => workloadOf(service, split, allowed, gatherer)),
    everyone: {
      allow: entriesOf(allowed),
      deny: entriesOf(denied.filter(isForAll).map(({ pattern }) => pattern)),
    },
    feeds: [],
    lost: gatherer.lost,
    notes: gatherer.notes,
  };
};

function readRule(document: ForeignDocument, path: Path, gatherer: Gatherer): Service {
  const line = document.lineOf(path);
  const rule = mapOf(path.reduce<unknown>((value, key) => at(value, key), document.value));
  const isDefault = path[0] === DEFAULT_NAME;
  const given = isDefault ? DEFAULT_NAME : textOf(rule['name']);
  gatherer.unknownKeys(rule, RULE_KEYS, line, `${given}: `);
  const name = gatherer.word(given, 'service');
  for (const key of ['mitm_domains', 'allowed_external_proxies']) {
    if (listOf(rule[key]).length === 0) continue;
    gatherer.lose(document.lineOf([...path, key]), `${given}: ${key}`, 'about a proxy, not names');
  }
  const allow = listOf(rule['allowed_domains']).flatMap((glob, i) => {
    const place = document.lineOf([...path, 'allowed_domains', i]);
    return globOf(textOf(glob), place, gatherer) ?? [];
  });
  const action = textOf(rule['action']);
  const known = action === 'open' || action === 'report' || action === 'enforce';
  if (!known) gatherer.lose(line, `${given}: action ${action}`, 'not known; `enforce` is set');
  const mode = known ? action : 'enforce';
  return { name, owner: textOf(rule['project']), mode, allow, isDefault, line };
}

function at(value: unknown, key: string | number): unknown {
  return typeof key === 'number' ? listOf(value)[key] : mapOf(value)[key];
}

function readList(document: ForeignDocument, key: string, gatherer: Gatherer): Placed[] {
  return listOf(mapOf(document.value)[key]).flatMap((glob, i) => {
    const line = document.lineOf([key, i]);
    const pattern = globOf(textOf(glob), line, gatherer);
    return pattern === null ? [] : [{ pattern, line }];
  });
}

function globOf(glob: string, line: number, gatherer: Gatherer): Pattern | null {
  const isWild = glob.startsWith('*.');
  return gatherer.pattern(isWild ? 'below' : 'exact', isWild ? glob.slice(2) : glob, line, glob);
}

function workloadOf(
  service: Service,
  denied: readonly Placed[],
  allowed: readonly Pattern[],
  gatherer: Gatherer,
): ImportedWorkload {
  const deny = denied.filter((one) => isNeeded(one.pattern, service, allowed));
  for (const { pattern, line } of deny) {
    for (const own of service.allow.filter((one) => overlaps(one, pattern))) {
      const why = `${service.name} allows ${own.text} before it; here the deny wins`;
      gatherer.lose(line, `global_deny_list ${pattern.text}`, why);
    }
  }
  const { name, owner, mode, isDefault } = service;
  return {
    name,
    owner,
    mode,
    allow: entriesOf(service.allow),
    deny: entriesOf(
      deny.map(({ pattern }) => pattern),
      'from global_deny_list',
    ),
    remarks: isDefault ? ['The default: sources 0.0.0.0/0 and ::/0 would be all others.'] : [],
  };
}

/** Whether a global deny changes anything for a service, its own list coming first. */
function isNeeded(deny: Pattern, service: Service, allowed: readonly Pattern[]): boolean {
  if (service.allow.some((own) => covers(own, deny))) return false;
  return service.mode !== 'enforce' || allowed.some((one) => overlaps(one, deny));
}
