/**
 * Domain lists of Route 53 Resolver DNS Firewall: one name a line, or the JSON of
 * `list-firewall-domains`. `x` is that name only, `*.x` is any depth below it. What the list is for
 * stands in the rule that uses it, so the caller says it.
 */

import type { Pattern } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { DENY, importedList } from './feed-entries.ts';
import { entriesOf, Gatherer } from './gather.ts';
import { type Imported, type Importer, NOBODY } from './imported.ts';
import { EVERYTHING, PARTS } from './names.ts';
import { listOf, mapOf, textOf } from './yaml-source.ts';

const CHAINS =
  'a rule of the firewall looks at every name of a chain of aliases unless it says otherwise: ' +
  '`chain: inspect` on a workload says the same here';

interface Placed {
  readonly pattern: Pattern;
  readonly line: number;
}

export const importRoute53: Importer = (request): Imported => {
  if (request.as === null) {
    const why = 'a domain list does not say what it is for';
    throw new DnsvalveError('USAGE', `${why}: --as allow, or --as deny`);
  }
  const gatherer = new Gatherer();
  const domains = domainsOf(request.text).flatMap(({ text, line }): Placed[] => {
    const pattern = domainOf(text, line, gatherer);
    return pattern === null ? [] : [{ pattern, line }];
  });
  if (request.as === 'deny') {
    const entries = domains.map(({ pattern, line }) => ({ pattern, action: DENY, line }));
    return importedList(entries, request, gatherer);
  }
  gatherer.notes.push(CHAINS);
  const name = gatherer.word(request.workload ?? request.baseName, 'workload');
  const allow = entriesOf(domains.map(({ pattern }) => pattern));
  return {
    workloads: [{ name, owner: '', mode: 'enforce', allow, deny: [], remarks: [] }],
    everyone: NOBODY,
    feeds: [],
    lost: gatherer.lost,
    notes: gatherer.notes,
  };
};

function domainsOf(text: string): { text: string; line: number }[] {
  if (!text.trimStart().startsWith('{')) {
    return text
      .replace(/^\uFEFF/, '')
      .split(/\r\n|\r|\n/)
      .map((line, i) => ({ text: line.trim(), line: i + 1 }))
      .filter((line) => line.text !== '');
  }
  try {
    const { Domains } = mapOf(JSON.parse(text));
    return listOf(Domains).map((domain) => ({ text: textOf(domain), line: 0 }));
  } catch (thrown) {
    throw new DnsvalveError('USAGE', `no domain list: ${String(thrown)}`);
  }
}

function domainOf(text: string, line: number, gatherer: Gatherer): Pattern | null {
  if (text.startsWith('*.')) return gatherer.pattern('below', text.slice(2), line, text);
  if (!text.startsWith('*')) return gatherer.pattern('exact', text, line);
  gatherer.lose(line, text, text === '*' ? EVERYTHING : PARTS);
  return null;
}
