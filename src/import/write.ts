/** An imported policy as YAML that `check` takes, with what it does not say as comments. */

import { escapeText } from '../cli/escape.ts';
import { needsSharedSuffix } from './gather.ts';
import type { Imported, ImportedEntry, ImportedWorkload, Lost } from './imported.ts';

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

export function writeYaml(imported: Imported, title: string): string {
  const { workloads, everyone, feeds, lost, notes } = imported;
  const lines = [`# ${oneLine(title)}`];
  if (lost.length > 0) lines.push('#', '# Not carried over:', ...lost.map(lossLine));
  if (notes.length > 0) lines.push('#', '# Good to know:', ...notes.map(noteLine));
  if (feeds.length > 0) lines.push('', 'feeds:');
  for (const { name, lines: entries } of feeds) {
    lines.push(`  ${key(name)}:`, '    category: blocklist', '    format: rpz', '    source:');
    if (entries.length === 0) lines[lines.length - 1] = '    source: []';
    for (const entry of entries) lines.push(`      - ${quoted(entry)}`);
  }
  if (everyone.allow.length + everyone.deny.length > 0) {
    lines.push('', 'everyone:', ...list('allow', everyone.allow, '  '));
    lines.push(...list('deny', everyone.deny, '  '));
  }
  if (workloads.length > 0) lines.push('', 'workloads:', ...workloads.flatMap(workloadLines));
  return `${lines.join('\n')}\n`;
}

function lossLine(one: Lost): string {
  return `#   ${lossText(one)}`;
}

function noteLine(note: string): string {
  return `#   ${oneLine(note)}`;
}

function workloadLines({ name, owner, mode, allow, deny, remarks }: ImportedWorkload): string[] {
  return [
    ...remarks.map((remark) => `  # ${oneLine(remark)}`),
    `  ${key(name)}:`,
    ...(owner === '' ? [] : [`    owner: ${quoted(oneLine(owner))}`]),
    `    sources: []  # ${FILL_IN}`,
    `    mode: ${mode}`,
    ...list('allow', allow, '    '),
    ...list('deny', deny, '    '),
  ];
}

function list(name: string, entries: readonly ImportedEntry[], indent: string): string[] {
  if (entries.length === 0) return [];
  return [`${indent}${name}:`, ...entries.map((entry) => `${indent}  - ${entryText(entry)}`)];
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
