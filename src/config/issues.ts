/**
 * What the schema found, in the words of a person who edits the file: place, path, what is wrong,
 * what would be accepted. It judges nothing itself.
 */

import type { z } from 'zod';
import type { Problem } from '../errors.ts';
import type { Path, SourceDocument } from './document.ts';
import { didYouMean } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/** What people may look for in a file, and commands do. */
const COMMANDS = new Set(['quarantine', 'quarantined', 'lifelines', 'exception', 'exceptions']);

/** Problems of one zod error. `base` is the path of the value that was checked. */
export function problemsOf(
  document: SourceDocument,
  base: Path,
  error: z.ZodError,
  schema: z.ZodType,
): Problem[] {
  return error.issues.flatMap((issue) => explainIssue(document, base, issue, [schema]));
}

function explainIssue(
  document: SourceDocument,
  base: Path,
  issue: Issue,
  schemas: readonly z.ZodType[],
): Problem[] {
  const path = [...base, ...issue.path];
  const within = schemas.flatMap((schema) => schemasAt(schema, issue.path));
  if (issue.code === 'unrecognized_keys') {
    const known = within.flatMap((one) => Object.keys(definition(one).shape ?? {}));
    return issue.keys.map((key) => {
      const keyPath = [...path, key];
      return document.problem(document.keyAt(keyPath), keyPath, unknownKey(key, known));
    });
  }
  if (issue.code === 'invalid_union') {
    const branch = likelyBranch(issue.errors as Issue[][]);
    if (branch !== null)
      return branch.flatMap((inner) => explainIssue(document, path, inner, within));
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? issue.message;
    return [document.problem(document.keyAt(path), path, message)];
  }
  const value = valueAt(document.value, path);
  return [document.problem(document.at(path), path, messageFor(issue, value))];
}

/** Message for a key that no schema knows. */
export function unknownKey(key: string, known: readonly string[]): string {
  if (COMMANDS.has(key)) {
    return `"${key}" is no key: exceptions and quarantines are commands (docs/exceptions.md)`;
  }
  const near = didYouMean(key, known);
  const list = near === '' && known.length > 0 ? `; known are ${known.join(', ')}` : '';
  return `unknown key${near}${list}`;
}

/** The branch of a union that took the value's type, when there is one. */
function likelyBranch(branches: Issue[][]): Issue[] | null {
  const fits = branches.filter(
    (issues) => !issues.some((issue) => issue.path.length === 0 && isTypeIssue(issue)),
  );
  return fits.length === 1 ? (fits[0] ?? null) : null;
}

function isTypeIssue(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function messageFor(issue: Issue, value: unknown): string {
  // The schema's own words, where it has some, know more than the kind of issue does.
  if (value !== undefined && !/^(?:Invalid|Too) /.test(issue.message)) return issue.message;
  if (issue.code === 'invalid_type') return wrongType([issue.expected], value);
  if (issue.code === 'invalid_value') {
    const words = issue.values.map(String);
    const near = typeof value === 'string' ? didYouMean(value, words) : '';
    return value === undefined
      ? `missing; one of ${words.join(', ')}`
      : `${shown(value)} is none of ${words.join(', ')}${near}`;
  }
  if (issue.code === 'invalid_union') {
    const expected = (issue.errors as Issue[][]).flatMap((errors) =>
      errors.map((inner) => (inner.code === 'invalid_type' ? inner.expected : inner.message)),
    );
    return wrongType([...new Set(expected)], value);
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const bound =
      issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
    return issue.origin === 'array'
      ? `the list has ${bound} items`
      : `${shown(value)} is not ${bound}`;
  }
  return issue.message;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function wrongType(expected: readonly string[], value: unknown): string {
  const words = expected.map((word) => TYPE_WORDS[word] ?? word).join(' or ');
  if (value === undefined) return `missing; ${words} is expected`;
  const quoted = typeof value === 'number' || typeof value === 'boolean';
  const hint = expected.includes('string') && quoted ? `; quote it: "${value}"` : '';
  return `${words} is expected, not ${shown(value)}${hint}`;
}

function shown(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 200));
  return `the ${typeof value} ${String(value)}`;
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key))
      return undefined;
    current = (current as Record<PropertyKey, unknown>)[key];
  }
  return current;
}

/** Schemas of the value at `path` below `schema`: several where a union stands on the way. */
function schemasAt(schema: z.ZodType, path: Path): z.ZodType[] {
  const { innerType, in: input, options, shape, element, valueType } = definition(schema);
  const inner = innerType ?? input;
  if (inner !== undefined) return schemasAt(inner, path);
  if (options !== undefined) return options.flatMap((option) => schemasAt(option, path));
  if (path.length === 0) return [schema];
  const next = shape?.[String(path[0])] ?? element ?? valueType;
  return next === undefined ? [] : schemasAt(next, path.slice(1));
}

/** The parts of zod's own description of a schema that lead to its children. */
interface Definition {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

function definition(schema: z.ZodType): Definition {
  return schema.def as unknown as Definition;
}
