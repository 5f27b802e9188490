/**
 * The JSON Schema and the reference page, made from the schema that also parses. Run as a program
 * it writes both; a test holds that the repository has what it would write.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { mainSchema } from './schema.ts';

export const SCHEMA_FILE = 'dnsvalve.schema.json';
export const REFERENCE_FILE = 'docs/configuration.md';

/** The part of JSON Schema that zod writes for ours. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-range'?: string;
}

/** Text of the JSON Schema file (draft 2020-12). */
export function schemaText(): string {
  const schema = z.toJSONSchema(mainSchema, { io: 'input', target: 'draft-2020-12' });
  const { $schema, ...rest } = schema;
  const titled = { $schema, title: 'dnsvalve configuration', ...rest };
  return `${JSON.stringify(titled, null, 2)}\n`;
}

const OPENING = `# Configuration reference

<!-- Written by \`node src/config/reference.ts\` from src/config/schema.ts; edits here are lost. -->

One YAML 1.2 file, and those that its \`include:\` globs find. Unknown keys are errors, and all
problems come at once as \`file:line:col: path: problem\`. Relative paths are meant from the file
that holds them. Included files may hold \`upstreams\`, \`forward\`, \`zones\`, \`feeds\`,
\`bundles\`, \`everyone\` and \`workloads\`; a name is given once over all files, and
\`everyone\` adds up.

Name patterns: \`x.com\` is that name only, \`*.x.com\` every name below it at any depth and not
\`x.com\` itself, \`.x.com\` both. The normal form has lower case, no trailing dot, and A-labels.
Put patterns that begin with \`*\` in quotes: an unquoted \`*\` is a YAML alias.

In the tables, \`NAME\` stands for a name that you choose (1 to 63 of \`a-z 0-9 . _ -\`), \`[]\`
for each item of a list.
`;

/** Text of the reference page: a section per key of the main file, a row per key. */
export function referenceText(): string {
  const schema = JSON.parse(schemaText()) as Node;
  const sections = Object.entries(schema.properties ?? {}).map(([key, node]) => section(key, node));
  return `${OPENING}\n${sections.join('\n')}`;
}

function section(key: string, node: Node): string {
  const head = `## \`${key}\`\n\n${node.description ?? ''}\n\n`;
  const table = '| key | accepted | default | meaning |\n|---|---|---|---|\n';
  return head + table + rows(key, node).join('');
}

/** Rows of a value and of everything below it. */
function rows(path: string, node: Node, parent?: Node): string[] {
  const key = path.split('.').at(-1) ?? '';
  const required = parent?.required?.includes(key) === true ? 'required' : '';
  const own = row(path, node, required);
  return [own, ...childRows(path, node)];
}

function childRows(path: string, node: Node): string[] {
  const found: string[] = [];
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    found.push(...rows(`${path}.${key}`, child, node));
  }
  const additional = node.additionalProperties;
  if (typeof additional === 'object') {
    const inner = `${path}.${path === 'forward' ? 'SUFFIX' : 'NAME'}`;
    found.push(row(inner, additional, ''), ...childRows(inner, additional));
  }
  if (node.items !== undefined) found.push(...childRows(`${path}[]`, node.items));
  for (const option of node.anyOf ?? []) found.push(...childRows(path, option));
  return found;
}

function row(path: string, node: Node, required: string): string {
  const fallback = node.default === undefined ? required : code(node.default);
  const cells = [`\`${path}\``, accepted(node), fallback, node.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

/** What a value may be, in words. */
function accepted(node: Node): string {
  if (node['x-range'] !== undefined) return `${unit(node['x-range'])}, ${node['x-range']}`;
  if (node.enum !== undefined) return node.enum.map((word) => code(word)).join(', ');
  if (node.const !== undefined) return code(node.const);
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(accepted))].join(' or ');
  if (node.type === 'array') return `list of ${accepted(node.items ?? {})}`;
  if (node.type === 'integer' || node.type === 'number')
    return `number, ${node.minimum} to ${node.maximum}`;
  if (node.type === 'object') return 'mapping';
  return node.type === 'boolean' ? '`true`, `false`' : 'text';
}

function unit(range: string): string {
  return range.endsWith('B') ? 'size' : 'duration';
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..', '..');
  writeFileSync(join(root, SCHEMA_FILE), schemaText());
  writeFileSync(join(root, REFERENCE_FILE), referenceText());
}
