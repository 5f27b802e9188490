/**
 * A suggestion as YAML that `check` takes as it is: the workload as it stands, its list with what
 * was learnt, and the lists of others that it was seen to use. Every entry says what it comes from.
 */

import type { Bundle, Config, Entry, Workload } from '../config/types.ts';
import { ruleText } from '../policy/rules.ts';
import { typeToText } from '../wire/text.ts';
import { totalOf } from './collapse.ts';
import { peopleLines, settingLines, testLines } from './settings.ts';
import { type LeftOut, LOCAL_ZONE } from './sort.ts';
import type { SuggestedEntry, Suggestion } from './suggest.ts';
import { dateOf, queriesText } from './suspects.ts';
import { flow, quoted } from './yaml-text.ts';

export interface YamlContext {
  readonly config: Config;
  readonly workload: Workload;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** How it was asked for, for people. */
  readonly command: string;
  /** What else the head says, a line each. */
  readonly notes: readonly string[];
}

/** Examples of names below a wildcard. */
const EXAMPLES = 2;
/** Column at which remarks stand, where there is room. */
const REMARK_AT = 44;

export function suggestionYaml(suggestion: Suggestion, context: YamlContext): string {
  const { workload } = context;
  return [
    ...headOf(suggestion, context),
    ...bundlesOf(context),
    ...everyoneOf(suggestion, context),
    ...peopleLines(workload, context.config.people),
    'workloads:',
    `  ${workload.name}:`,
    ...settingLines(workload),
    ...listOf('allow', workload.allow, allowLines(suggestion.entries)),
    ...listOf('deny', workload.deny, []),
    ...testLines(workload),
    ...leftOutLines(suggestion.leftOut),
    '',
  ]
    .map(oneLine)
    .join('\n');
}

function headOf({ entries, covered, leftOut, count }: Suggestion, context: YamlContext): string[] {
  const coveredNames = covered.reduce((sum, { names }) => sum + names, 0);
  const learnt = entries.reduce((sum, { seen }) => sum + seen.length, 0);
  const lookAt = entries.filter(({ flags }) => flags.length > 0).length;
  return [
    `# ${context.command}`,
    `# Names seen from ${dateOf(context.sinceMs)} to ${dateOf(context.untilMs)}: ${count}.`,
    `#   ${learnt} led to ${entries.length} entries that are new; ${lookAt} need a look (LOOK).`,
    `#   ${coveredNames} were covered already.`,
    `#   ${leftOut.length} are left out; they stand at the end, with the reason.`,
    '# Counts are of the whole history of a name.',
    ...context.notes.map((note) => `# ${note}`),
  ];
}

function bundlesOf({ config, workload }: YamlContext): string[] {
  const used = config.bundles.filter(({ name }) => workload.use.includes(name));
  if (used.length === 0) return [];
  return ['# As they stand, so that this file is whole.', 'bundles:', ...used.flatMap(bundleLines)];
}

function bundleLines({ name, entries }: Bundle): string[] {
  if (entries.length === 0) return [`  ${name}: []`];
  return [`  ${name}:`, ...entries.map((entry) => `    - ${entryText(entry)}`)];
}

/** Of what is for everybody, what the workload was seen to use. */
function everyoneOf({ covered }: Suggestion, { config }: YamlContext): string[] {
  const rules = new Set(covered.map(({ rule }) => rule));
  const used = config.everyone.allow.filter((entry) =>
    rules.has(ruleText('everyone.allow', entry)),
  );
  const zones = rules.has(LOCAL_ZONE) ? config.zones.filter((zone) => !zone.private) : [];
  return [
    ...(used.length === 0 ? [] : ['# Rules for everybody that it was seen to use.']),
    ...(used.length === 0 ? [] : ['everyone:', '  allow:']),
    ...used.map((entry) => `    - ${entryText(entry)}`),
    ...(zones.length === 0 ? [] : ['zones:']),
    ...zones.map(({ name, file }) => `  - { name: ${quoted(name)}, file: ${quoted(file)} }`),
  ];
}

function listOf(key: string, old: readonly Entry[], added: readonly string[]): string[] {
  if (old.length + added.length === 0) return [];
  const head = added.length > 0 && old.length > 0 ? ['      # As it stands.'] : [];
  const lines = old.map((entry) => `      - ${entryText(entry)}`);
  return [`    ${key}:`, ...head, ...lines, ...added];
}

/** What needs a look stands first. */
function allowLines(entries: readonly SuggestedEntry[]): string[] {
  const lookAt = entries.filter(({ flags }) => flags.length > 0);
  const plain = entries.filter(({ flags }) => flags.length === 0);
  return [
    ...(lookAt.length === 0 ? [] : ['      # LOOK: new, and each needs a look.']),
    ...lookAt.flatMap(entryLines),
    ...(plain.length === 0 ? [] : ['      # New.']),
    ...plain.flatMap(entryLines),
  ].map((line) => (line.startsWith(' ') ? line : `      ${line}`));
}

/** The lines of an entry in a list, without indentation. */
export function entryLines(entry: SuggestedEntry): string[] {
  const item = `- ${quoted(entry.pattern)}`;
  return [
    ...entry.flags.map((flag) => `# LOOK: ${flag}`),
    `${item.padEnd(REMARK_AT - 6)} # ${remarkOf(entry)}`,
  ];
}

function remarkOf({ seen, why }: SuggestedEntry): string {
  const { firstMs, lastMs, queries } = totalOf(seen);
  const when = `${dateOf(firstMs)} to ${dateOf(lastMs)}`;
  const counts = `${queriesText(queries)}, ${when}`;
  if (why === 'name') return counts;
  const examples = seen.slice(0, EXAMPLES).map(({ name }) => name);
  const more = why === 'unknown' ? ' and names that are not known' : '';
  return `${counts}; ${seen.length} names, such as ${examples.join(', ')}${more}`;
}

function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  if (leftOut.length === 0) return [];
  const lines = leftOut
    .toSorted((a, b) => b.seen.queries - a.seen.queries)
    .map(({ seen, reason }) => {
      const below = seen.kind === 'domain' ? ' (names not known)' : '';
      const queries = queriesText(seen.queries);
      return `#   ${seen.name}${below}: ${queries}, last ${dateOf(seen.lastMs)}; ${reason}`;
    });
  return ['', '# Left out: `enforce` denies these.', ...lines];
}

/** An entry as it may stand in any list. */
export function entryText(entry: Entry): string {
  const { pattern, types, sharedSuffix, budget, reason, ticket } = entry;
  const parts = [`name: ${quoted(pattern.text)}`];
  if (types !== null) parts.push(`types: ${flow(types.map(typeToText))}`);
  if (sharedSuffix) parts.push('shared_suffix: true');
  if (budget !== null) parts.push(`budget: ${budgetText(budget)}`);
  if (reason !== null) parts.push(`reason: ${quoted(reason)}`);
  if (ticket !== null) parts.push(`ticket: ${quoted(ticket)}`);
  return parts.length === 1 ? quoted(pattern.text) : `{ ${parts.join(', ')} }`;
}

function budgetText({ text, action }: NonNullable<Entry['budget']>): string {
  return action === 'deny' ? quoted(text) : `{ limit: ${quoted(text)}, action: ${action} }`;
}

/** Names come from outside: nothing in them ends a comment. */
function oneLine(line: string): string {
  return line.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?').trimEnd();
}
