/**
 * Checking one value against the schema so that all problems come at once: what is wrong is
 * reported, and what is right beside it is still returned, for the checks that follow. A
 * configuration with any problem is refused as a whole, so nothing salvaged is ever in force.
 */

import type { z } from 'zod';
import type { Problem } from '../errors.ts';
import type { Path, SourceDocument } from './document.ts';
import { problemsOf } from './issues.ts';

/** The checked value, or undefined with its problems reported. */
export function checked<S extends z.ZodType>(
  schema: S,
  document: SourceDocument,
  at: { path: Path; value: unknown },
  problems: Problem[],
): z.output<S> | undefined {
  const result = schema.safeParse(at.value);
  if (result.success) return result.data;
  // What YAML itself found wrong at a value needs no second message about its type.
  const known = document.problems.map((problem) => problem.path);
  const found = problemsOf(document, at.path, result.error, schema);
  problems.push(...found.filter(({ path }) => !known.some((other) => other.startsWith(path))));
  return undefined;
}

/** A mapping key by key; undefined for keys that are wrong and have no default. */
export type Salvaged<T> = {
  readonly [K in keyof T]: T[K] extends (infer E)[] ? (E | undefined)[] : T[K] | undefined;
};

/** Like `checked` for a mapping, with what can be saved of one that is wrong. */
export function checkedMapping<S extends z.ZodObject>(
  schema: S,
  document: SourceDocument,
  at: { path: Path; value: unknown },
  problems: Problem[],
): Salvaged<z.output<S>> {
  const whole = checked(schema, document, at, problems);
  if (whole !== undefined) return whole as Salvaged<z.output<S>>;
  const given = isRecord(at.value) ? at.value : {};
  const saved: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(schema.shape)) {
    saved[key] = salvageValue(child as z.ZodType, given[key]);
  }
  return saved as Salvaged<z.output<S>>;
}

function salvageValue(schema: z.ZodType, value: unknown): unknown {
  const whole = schema.safeParse(value);
  if (whole.success) return whole.data;
  const element = elementOf(schema);
  if (element === null) return undefined;
  // Positions are kept: places are found by index.
  return Array.isArray(value) ? value.map((item) => element.safeParse(item).data) : [];
}

function elementOf(schema: z.ZodType): z.ZodType | null {
  const def = schema.def as { innerType?: z.ZodType; element?: z.ZodType };
  if (def.innerType !== undefined) return elementOf(def.innerType);
  return def.element ?? null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
