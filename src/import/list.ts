/**
 * Lists of AdGuard, of Pi-hole, and hosts files, as these read them: a bare name and a name of a
 * hosts file are that name only, `||x^` is the name and everything below, `@@` exempts from the
 * whole list but from `$important`. (A feed of the configuration reads bare names wider.)
 */

import { isIP } from 'node:net';
import type { Pattern } from '../config/types.ts';
import { DENY, EXEMPT, importedList, type ListEntry } from './feed-entries.ts';
import { Gatherer } from './gather.ts';
import type { Imported, Importer } from './imported.ts';
import { ancestors, covers } from './names.ts';

const SINKS = ['0.0.0.0', '127.0.0.1', '127.0.1.1', '::', '::1', '::0', '0'];
/** What every hosts file begins with. */
const OWN_NAMES =
  /^(localhost|local|broadcasthost|0\.0\.0\.0|ip6-[a-z0-9]+|localhost[46]|localhost\.localdomain)$/;
const COSMETIC = /#[@?$%]?#/;
const RULE = /^(@@)?(\|\|?)([^\s|^$/]+)\^\|?(?:\$(.+))?$/;

interface Rule {
  readonly pattern: Pattern;
  readonly isExempt: boolean;
  readonly isImportant: boolean;
  readonly line: number;
}

/** What lines a format has. */
interface Reads {
  readonly names: boolean;
  readonly rules: boolean;
}

const importer =
  (reads: Reads): Importer =>
  (request): Imported => {
    const gatherer = new Gatherer();
    const lines = request.text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
    const disabled = reads.rules ? disabledRules(lines) : new Set<string>();
    const rules = lines.flatMap((line, i) => {
      const text = line.trim();
      return disabled.has(text) ? [] : rulesOf(text, i + 1, reads, gatherer);
    });
    return importedList(inForce(rules), request, gatherer);
  };

export const importHosts = importer({ names: false, rules: false });
export const importPihole = importer({ names: true, rules: true });
export const importAdguard = importPihole;

/** Rules that another line takes back by `$badfilter`, and those lines. */
function disabledRules(lines: readonly string[]): Set<string> {
  const disabled = new Set<string>();
  for (const line of lines) {
    const text = line.trim();
    const [rule = '', modifiers] = text.split('$');
    const words = modifiers?.split(',') ?? [];
    if (!words.includes('badfilter')) continue;
    const rest = words.filter((word) => word !== 'badfilter').join(',');
    disabled.add(text);
    disabled.add(rest === '' ? rule : `${rule}$${rest}`);
  }
  return disabled;
}

function rulesOf(text: string, line: number, reads: Reads, gatherer: Gatherer): Rule[] {
  if (text === '' || /^[!;[]/.test(text) || /^#(\s|$)/.test(text)) return [];
  if (COSMETIC.test(text)) {
    gatherer.lose(line, text, 'about elements of a page');
    return [];
  }
  if (text.startsWith('#')) return [];
  const [first = '', ...rest] = text.replace(/\s#.*$/, '').split(/\s+/);
  if (isIP(first.replace(/%.*$/, '')) !== 0 || first === '0') {
    return hostsOf(first, rest, line, gatherer);
  }
  if (!reads.rules && !reads.names) {
    gatherer.lose(line, text, 'no line of a hosts file');
    return [];
  }
  if (/^[\w.-]+$/.test(first) && rest.length === 0) return ruleOf('exact', first, line, gatherer);
  return adblockOf(text, line, gatherer);
}

function hostsOf(
  address: string,
  names: readonly string[],
  line: number,
  gatherer: Gatherer,
): Rule[] {
  if (names.length === 0) gatherer.lose(line, address, 'an address, not a name');
  return names.flatMap((name) => {
    if (OWN_NAMES.test(name)) return [];
    if (SINKS.includes(address)) return ruleOf('exact', name, line, gatherer);
    gatherer.lose(line, `${address} ${name}`, 'gives the name an address: that is a local zone');
    return [];
  });
}

function ruleOf(kind: Pattern['kind'], name: string, line: number, gatherer: Gatherer): Rule[] {
  const pattern = gatherer.pattern(kind, name, line);
  return pattern === null ? [] : [{ pattern, isExempt: false, isImportant: false, line }];
}

function adblockOf(text: string, line: number, gatherer: Gatherer): Rule[] {
  const match = RULE.exec(text);
  if (match === null) {
    gatherer.lose(line, text, whyNoRule(text));
    return [];
  }
  const [, exempt, anchor, host = '', modifiers = ''] = match;
  const words = modifiers.split(',').filter((word) => word !== '');
  const narrow = words.filter((word) => word !== 'important' && word !== 'all');
  if (narrow.length > 0) {
    gatherer.lose(line, text, `$${narrow.join(',')} narrows it to what a resolver does not see`);
    return [];
  }
  const isWild = anchor === '||' && host.startsWith('*.');
  const kind = isWild ? 'below' : anchor === '||' ? 'both' : 'exact';
  const pattern = gatherer.pattern(kind, isWild ? host.slice(2) : host, line, text);
  if (pattern === null) return [];
  const isExempt = exempt !== undefined;
  return [{ pattern, isExempt, isImportant: words.includes('important'), line }];
}

function whyNoRule(text: string): string {
  const rule = text.replace(/^@@/, '');
  if (/^\/.*\/(\$.*)?$/.test(rule)) return 'a regular expression';
  if (rule.includes('/')) return 'a URL';
  return 'matches parts of names; "||example.com^" (the name and below) is accepted';
}

/**
 * The same in the terms of a feed, where the longest entry decides: what an exemption covers is not
 * denied, however long; what an important rule covers is not exempt.
 */
function inForce(rules: readonly Rule[]): ListEntry[] {
  const denied = rules.filter(({ isExempt }) => !isExempt);
  const important = indexed(denied.filter(({ isImportant }) => isImportant));
  const above = indexed(rules.filter(({ isExempt, isImportant }) => isExempt && isImportant));
  const exempt = rules
    .filter(({ isExempt }) => isExempt)
    .flatMap((rule) => (rule.isImportant ? [rule] : partsOutside(rule, important)));
  const exemptions = indexed(exempt);
  const left = denied.filter(({ pattern, isImportant }) => {
    return !isCovered(pattern, isImportant ? above : exemptions);
  });
  return [
    ...left.map(({ pattern, line }) => ({ pattern, action: DENY, line })),
    ...exempt.map(({ pattern, line }) => ({ pattern, action: EXEMPT, line })),
  ];
}

/** The name itself and what is below it, as far as no rule of the index covers them. */
function partsOutside(rule: Rule, index: ReadonlyMap<string, Pattern[]>): Rule[] {
  const { name, wire } = rule.pattern;
  const parts: Pattern[] =
    rule.pattern.kind === 'both'
      ? [
          { kind: 'exact', name, wire, text: name },
          { kind: 'below', name, wire, text: `*.${name}` },
        ]
      : [rule.pattern];
  const left = parts.filter((part) => !isCovered(part, index));
  return left.length === parts.length ? [rule] : left.map((pattern) => ({ ...rule, pattern }));
}

function indexed(rules: readonly Rule[]): Map<string, Pattern[]> {
  const index = new Map<string, Pattern[]>();
  for (const { pattern } of rules) {
    index.set(pattern.name, [...(index.get(pattern.name) ?? []), pattern]);
  }
  return index;
}

function isCovered(pattern: Pattern, index: ReadonlyMap<string, Pattern[]>): boolean {
  return ancestors(pattern.name).some((name) =>
    (index.get(name) ?? []).some((other) => covers(other, pattern)),
  );
}
