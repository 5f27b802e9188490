/** Used but not declared: names that only the mode lets through, with the entries for them. */

import { parsePattern } from '../config/pattern.ts';
import type { Config, Workload } from '../config/types.ts';
import type { SeenName } from '../learn/seen.ts';
import type { Finding, Wanted } from './finding.ts';
import { DOMAINS_MAX, NAMES_LISTED, type UndeclaredDomain } from './undeclared.ts';
import type { Usage } from './usage.ts';

/** A finding for each name; for each domain where it has too many, or some that are not known. */
export function undeclaredFindings(config: Config, usage: Usage): Finding[] {
  const { beyond } = usage.undeclared;
  const found = usage.undeclared.domains().flatMap((domain) => {
    const workload = config.workloads[domain.workload - 1];
    const name = workload?.name ?? usage.judge.view.workloads.nameOf(domain.workload);
    if (domain.names.length > NAMES_LISTED) return [manyNames(domain, name)];
    const found = domain.names.map((seen) => oneName(seen, name, workload));
    return domain.isWhole ? found : [...found, unknownNames(domain, name)];
  });
  return beyond === 0 ? found : [...found, notListed(beyond)];
}

/** The bound is said, not kept silent. */
function notListed(beyond: number): Finding {
  const note = `of more than ${DOMAINS_MAX} domains, not listed: narrow it with --workload`;
  return {
    kind: 'undeclared',
    workload: '',
    subject: `${beyond} names`,
    at: null,
    queries: null,
    lastMs: null,
    watchedMs: null,
    note,
    remedy: null,
  };
}

function oneName(seen: SeenName, name: string, workload: Workload | undefined): Finding {
  const refusal = refusalOf(seen, workload);
  const queries = seen.queries - seen.denied;
  return {
    kind: 'undeclared',
    workload: name,
    subject: seen.name,
    at: workload?.at ?? null,
    queries,
    lastMs: seen.lastMs,
    watchedMs: null,
    note: refusal ?? '',
    remedy:
      refusal !== null || workload === undefined
        ? null
        : {
            kind: 'allow',
            list: { file: workload.at.file, path: ['workloads', workload.name, 'allow'] },
            items: [wanted(seen, queries)],
          },
  };
}

function wanted({ name, lastMs }: SeenName, queries: number): Wanted {
  const last = new Date(lastMs).toISOString().slice(0, 10);
  return { name, comment: `${queries} queries, last ${last}` };
}

/** Why a patch does not allow the name. */
function refusalOf({ name }: SeenName, workload: Workload | undefined): string | null {
  if (workload === undefined) return 'unmapped sources have no lists';
  const pattern = parsePattern(name);
  if (typeof pattern === 'string' || pattern.kind !== 'exact')
    return 'no name that a list can hold';
  const isRefused = workload.tests.some((test) => test.name === name && test.expect === 'deny');
  return isRefused ? 'a policy test expects it to be denied' : null;
}

function manyNames(domain: UndeclaredDomain, workload: string): Finding {
  const note = `${domain.count} names: \`dnsvalve suggest ${workload}\` makes patterns of them`;
  return ofDomain(domain, workload, note);
}

function unknownNames(domain: UndeclaredDomain, workload: string): Finding {
  return ofDomain(domain, workload, 'names that are missing in the history');
}

function ofDomain(domain: UndeclaredDomain, workload: string, note: string): Finding {
  const { queries, lastMs } = domain;
  return {
    kind: 'undeclared',
    workload,
    subject: domain.domain,
    at: null,
    queries,
    lastMs,
    watchedMs: null,
    note,
    remedy: null,
  };
}
