/**
 * What the tools themselves say about a name, written from their documentation and with nothing of
 * the importers: a second opinion.
 */

export interface Acl {
  readonly services: readonly {
    readonly name: string;
    readonly action: string;
    readonly allowed_domains: readonly string[];
  }[];
  readonly global_allow_list: readonly string[];
  readonly global_deny_list: readonly string[];
}

function globbed(host: string, globs: readonly string[]): boolean {
  return globs.some((glob) =>
    glob.startsWith('*.') ? host.endsWith(glob.slice(1)) : host === glob,
  );
}

/** The order of Smokescreen: own list, global deny, global allow, action. */
export function smokescreenAllows(acl: Acl, service: number, host: string): boolean {
  const rule = acl.services[service];
  if (rule === undefined) return false;
  if (globbed(host, rule.allowed_domains)) return true;
  if (globbed(host, acl.global_deny_list)) return false;
  if (globbed(host, acl.global_allow_list)) return true;
  return rule.action !== 'enforce';
}

/** harden-runner: what stands before and after the star, wherever that falls. */
export function hardenRunnerAllows(endpoints: readonly string[], host: string): boolean {
  return endpoints.some((endpoint) => {
    const [name = ''] = endpoint.split(':');
    const [before = '', after] = name.split('*');
    if (after === undefined) return host === name;
    return host.startsWith(before) && host.endsWith(after);
  });
}

/** Route 53: a leading star is everything below. */
export function route53Lists(domains: readonly string[], host: string): boolean {
  return globbed(
    host,
    domains.map((domain) => domain.toLowerCase().replace(/\.$/, '')),
  );
}

/** Cilium: a star is characters of one label, and a leading `**.` is labels. */
export function ciliumAllows(
  selectors: readonly { readonly matchName?: string; readonly matchPattern?: string }[],
  host: string,
): boolean {
  return selectors.some(({ matchName, matchPattern = matchName ?? '' }) => {
    const text = matchPattern.toLowerCase().replace(/\.$/, '');
    if (text === '*') return true;
    const [, deep, rest = ''] = /^(\*\*\.)?(.*)$/.exec(text) ?? [];
    const labels = deep === undefined ? '' : '([-a-z0-9_]+\\.)+';
    const pattern = rest.replaceAll('.', '\\.').replaceAll('*', '[-a-z0-9_]*');
    return new RegExp(`^${labels}${pattern}$`).test(host);
  });
}

/** AdGuard and Pi-hole: important blocks, then exemptions, then blocks; whatever their length. */
export function listDenies(lines: readonly string[], host: string): boolean {
  const matching = lines.filter((line) => lineMatches(line, host));
  const isExempt = (line: string): boolean => line.startsWith('@@');
  const important = matching.filter((line) => line.endsWith('$important'));
  if (important.some(isExempt)) return false;
  if (important.length > 0) return true;
  return matching.length > 0 && !matching.some(isExempt);
}

function lineMatches(line: string, host: string): boolean {
  const rule = line.replace(/^@@/, '').replace(/\$important$/, '');
  const anchored = /^\|\|(\*\.)?([^^]+)\^$/.exec(rule);
  if (anchored !== null) {
    const [, star, name = ''] = anchored;
    return host.endsWith(`.${name}`) || (star === undefined && host === name);
  }
  const start = /^\|([^^]+)\^$/.exec(rule);
  if (start !== null) return host === start[1];
  const [, ...names] = rule.split(' ');
  return names.length > 0 ? names.includes(host) : host === rule;
}

export interface Record {
  readonly owner: string;
  readonly action: string;
}

/** RPZ: the owner itself, else the longest wildcard above. */
export function rpzDenies(records: readonly Record[], host: string): boolean {
  const labels = host.split('.');
  const owners = [host, ...labels.map((_, i) => `*.${labels.slice(i + 1).join('.')}`)];
  for (const owner of owners) {
    const found = records.find((record) => record.owner === owner);
    if (found !== undefined) return found.action !== 'CNAME rpz-passthru.';
  }
  return false;
}
