/**
 * What the configuration says about a workload, and what it is made of: the parts of a bundle that
 * say under which policy things were so. Digests in place of files: they name secrets' places.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { configurationDigest } from '../config/digest.ts';
import type { Config, Entry, Feed, Workload } from '../config/types.ts';
import { LastGood } from '../reputation/last-good.ts';

/** One row. Files are named from the main file's folder, whoever runs the command from where. */
export function configurationRows(config: Config, workload: string): object[] {
  const [main = '.'] = config.files;
  const folder = dirname(resolve(main));
  const files = config.files.map((file, i) => ({
    file: relative(folder, resolve(file)),
    sha256: config.fileDigests[i] ?? null,
  }));
  const found = workloadOf(config, workload);
  return [
    {
      sha256: configurationDigest(config),
      files,
      workload: found === undefined ? null : workloadRow(config, found),
    },
  ];
}

export function workloadOf(config: Config, name: string): Workload | undefined {
  return config.workloads.find((workload) => workload.name === name);
}

function workloadRow(config: Config, workload: Workload): object {
  const { name, owner, env, mode, use, allow, deny, answer, chain } = workload;
  return {
    name,
    owner,
    env,
    mode,
    answer: answer.kind,
    chain,
    fail_open: workload.failOpen,
    use,
    allow: allow.map(entryRow),
    deny: deny.map(entryRow),
    bundles: config.bundles
      .filter((bundle) => use.includes(bundle.name))
      .map((bundle) => ({ name: bundle.name, entries: bundle.entries.map(entryRow) })),
    everyone: {
      allow: config.everyone.allow.map(entryRow),
      deny: config.everyone.deny.map(entryRow),
    },
  };
}

function entryRow({ pattern, types, sharedSuffix, budget, reason, ticket }: Entry): object {
  return {
    name: pattern.text,
    types,
    shared_suffix: sharedSuffix,
    budget: budget?.text ?? null,
    reason,
    ticket,
  };
}

/** Which sources are the workload, as the configuration has it: a row each. */
export function identityRows(config: Config, workload: string): object[] {
  const { sources = [] } = workloadOf(config, workload) ?? {};
  return sources.map(({ text }) => ({ source: text, workload, from: 'configuration' }));
}

/** Each feed with the digest of the list that is in use: a row each. */
export async function feedRows(config: Config): Promise<object[]> {
  const copies = new LastGood(config.stateDirectory);
  const rows: object[] = [];
  for (const feed of config.feeds) {
    const { name, category, action, format } = feed;
    const octets = await listOf(feed, copies);
    const meta = feed.source.kind === 'url' ? await copies.meta(name, feed.source.url) : null;
    rows.push({
      name,
      category,
      action,
      format,
      source: sourceText(feed),
      sha256: octets === null ? null : createHash('sha256').update(octets).digest('hex'),
      octets: octets?.length ?? null,
      fetched: meta === null ? null : new Date(meta.fetchedMs).toISOString(),
    });
  }
  return rows;
}

/** Null where there is no list: never fetched, or gone. */
async function listOf({ name, source }: Feed, copies: LastGood): Promise<Uint8Array | null> {
  if (source.kind === 'inline') return Buffer.from(source.entries.join('\n'));
  if (source.kind === 'url') return copies.read(name, source.url);
  try {
    return readFileSync(source.path);
  } catch {
    return null;
  }
}

/** A URL without what may be a key: user, password, query. */
function sourceText({ source }: Feed): string {
  if (source.kind === 'inline') return 'inline';
  if (source.kind === 'file') return source.path;
  const url = new URL(source.url);
  return `${url.origin}${url.pathname}`;
}
