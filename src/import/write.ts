/** An imported policy as YAML that `check` takes, with what it does not say as comments. */

import { escapeText } from '../cli/escape.ts';
import { needsSharedSuffix } from './gather.ts';
import type { Imported, ImportedEntry, ImportedFeed, ImportedWorkload, Lost } from './imported.ts';

/** Starts with a letter and has a dot: never a number, a word of YAML's own, or a wildcard. */
const PLAIN = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$/;
/** What a line of comment holds at most. */
const REMARK_MAX = 300;
const STRANGERS = 'any stranger can get a name there';
const FILL_IN = 'fill in: the addresses that it asks from';

/** `12: "*.x" is not carried over: why`, harmless on a terminal and on one line. */
export function lossText({ line, what, why }: Lost): string {
  const place = line === 0 ? '' : `line ${line}: `;
  const shown = what.length > 120 ? `${what.slice(0, 120)}...` : what;
  return oneLine(`${place}${shown}: ${why}`);
}

/** Lists are joined by flat(), for as arguments of a call a long one overflows the stack. */
export function writeYaml(imported: Imported, title: string): string {
  const { workloads, everyone, feeds, lost, notes } = imported;
  const rules = [list('allow', everyone.allow, '  '), list('deny', everyone.deny, '  ')].flat();
  const parts = [
    [`# ${oneLine(title)}`],
    headed(['#', '# Not carried over:'], lost.map(lossLine)),
    headed(['#', '# Good to know:'], notes.map(noteLine)),
    headed(['', 'feeds:'], feeds.flatMap(feedLines)),
    headed(['', 'everyone:'], rules),
    headed(['', 'workloads:'], workloads.flatMap(workloadLines)),
  ];
  return `${parts.flat().join('\n')}\n`;
}

function headed(heading: readonly string[], lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [heading, lines].flat();
}

function feedLines({ name, lines }: ImportedFeed): string[] {
  const head = [`  ${key(name)}:`, '    category: blocklist', '    format: rpz'];
  if (lines.length === 0) return [...head, '    source: []'];
  return headed(
    [...head, '    source:'],
    lines.map((line) => `      - ${quoted(line)}`),
  );
}

function lossLine(one: Lost): string {
  return `#   ${lossText(one)}`;
}

function noteLine(note: string): string {
  return `#   ${oneLine(note)}`;
}

function workloadLines({ name, owner, mode, allow, deny, remarks }: ImportedWorkload): string[] {
  const head = [
    ...remarks.map((remark) => `  # ${oneLine(remark)}`),
    `  ${key(name)}:`,
    ...(owner === '' ? [] : [`    owner: ${quoted(oneLine(owner))}`]),
    `    sources: []  # ${FILL_IN}`,
    `    mode: ${mode}`,
  ];
  return [head, list('allow', allow, '    '), list('deny', deny, '    ')].flat();
}

function list(name: string, entries: readonly ImportedEntry[], indent: string): string[] {
  if (entries.length === 0) return [];
  return headed(
    [`${indent}${name}:`],
    entries.map((entry) => `${indent}  - ${entryText(entry)}`),
  );
}

function entryText({ pattern, remark }: ImportedEntry): string {
  const text = PLAIN.test(pattern) ? pattern : quoted(pattern);
  const isShared = needsSharedSuffix(pattern);
  const entry = isShared ? `{ name: ${text}, shared_suffix: true }` : text;
  const remarks = [remark, isShared ? STRANGERS : ''].filter((one) => one !== '');
  return remarks.length === 0 ? entry : `${entry}  # ${remarks.join('; ')}`;
}

function key(name: string): string {
  return /^[a-z][a-z0-9-]*$/.test(name) && !/^(null|true|false)$/.test(name) ? name : quoted(name);
}

/** JSON is YAML. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function oneLine(text: string): string {
  return escapeText(text).slice(0, REMARK_MAX);
}
