/**
 * A policy as reports read it: who may resolve what by which rule, and where that is written. Plain
 * data without anything secret, so that it can be kept for as long as somebody may ask.
 */

import { resolve } from 'node:path';
import { configurationDigest } from '../config/digest.ts';
import type { Config, Entry, Mode } from '../config/types.ts';
import { typeToText } from '../wire/text.ts';

/** One entry of a list. Texts are '' where nothing is written. */
export interface Rule {
  /** `*.x.example` */
  readonly pattern: string;
  /** `A, AAAA`; '' for all. */
  readonly types: string;
  /** Index in `files` of the policy. */
  readonly file: number;
  readonly line: number;
  readonly reason: string;
  readonly ticket: string;
  /** `1kB/h` */
  readonly budget: string;
  readonly sharedSuffix: boolean;
}

export interface PolicyWorkload {
  readonly name: string;
  readonly owner: string | null;
  readonly env: string | null;
  readonly mode: Mode;
  readonly failOpen: boolean;
  readonly sources: readonly string[];
  readonly use: readonly string[];
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
  readonly file: number;
  readonly line: number;
}

export interface Policy {
  /** See config/digest.ts. */
  readonly digest: string;
  /** Absolute; main file first. */
  readonly files: readonly string[];
  /** SHA-256 of each file. */
  readonly fileDigests: readonly string[];
  /** Names that are answered here, or by servers of the network's own. */
  readonly internal: readonly string[];
  readonly unmapped: Mode;
  readonly everyone: { readonly allow: readonly Rule[]; readonly deny: readonly Rule[] };
  readonly bundles: readonly { readonly name: string; readonly allow: readonly Rule[] }[];
  readonly workloads: readonly PolicyWorkload[];
}

export function policyOf(config: Config): Policy {
  const indexes = new Map(config.files.map((file, i) => [file, i]));
  const fileOf = (file: string): number => indexes.get(file) ?? 0;
  const rules = (entries: readonly Entry[]): Rule[] => {
    return entries.map((entry) => ruleOf(entry, fileOf(entry.at.file)));
  };
  return {
    digest: configurationDigest(config),
    files: config.files.map((file) => resolve(file)),
    fileDigests: config.fileDigests,
    internal: [
      ...config.zones.map(({ name }) => name),
      ...config.forward.flatMap(({ internal, suffix }) => (internal ? [suffix] : [])),
    ],
    unmapped: config.unmapped.mode,
    everyone: { allow: rules(config.everyone.allow), deny: rules(config.everyone.deny) },
    bundles: config.bundles.map(({ name, entries }) => ({ name, allow: rules(entries) })),
    workloads: config.workloads.map((workload) => {
      const { name, owner, env, mode, failOpen, use, at } = workload;
      return {
        ...{ name, owner, env, mode, failOpen, use },
        sources: workload.sources.map(({ text }) => text),
        allow: rules(workload.allow),
        deny: rules(workload.deny),
        file: fileOf(at.file),
        line: at.line,
      };
    }),
  };
}

function ruleOf(entry: Entry, file: number): Rule {
  return {
    pattern: entry.pattern.text,
    types: entry.types?.map(typeToText).join(', ') ?? '',
    file,
    line: entry.at.line,
    reason: entry.reason ?? '',
    ticket: entry.ticket ?? '',
    budget: entry.budget?.text ?? '',
    sharedSuffix: entry.sharedSuffix,
  };
}

/**
 * The rule as the history names its use: the text of a decision without its place.
 *
 * @param list as in policy/rules.ts: `allow`, `everyone.allow`, `bundle aws-core`
 */
export function ruleName(list: string, { pattern, types }: Rule): string {
  return types === '' ? `${list} ${pattern}` : `${list} ${pattern} (${types})`;
}
