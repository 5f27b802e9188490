/**
 * The sections that every file may hold, merged into one set. A name is given once over all files;
 * `everyone` alone adds up. Checks that need two sections stand in check.ts.
 */

import { resolve } from 'node:path';
import type { z } from 'zod';
import type { Problem } from '../errors.ts';
import { nameToWire } from '../wire/text.ts';
import { placeText, type Reference, SourceClaims, sharedSuffixProblem } from './check.ts';
import type { Path } from './document.ts';
import { ownRateLimit } from './overload-schema.ts';
import { parseName } from './pattern.ts';
import { checked, checkedMapping, isRecord, type Salvaged } from './salvage.ts';
import { type EntryInput, feedSchema, sharedShape, workloadSchema, zoneSchema } from './schema.ts';
import type { Source } from './source.ts';
import type {
  Budget,
  Bundle,
  Entry,
  Feed,
  ForwardRule,
  LocalZone,
  Place,
  Prefix,
  Upstream,
  Workload,
} from './types.ts';
import { upstreamSchema } from './upstream-schema.ts';
import type { UpstreamServer } from './upstream-server.ts';

/** An upstream as written: `system` is resolved when the listen addresses are known. */
export type UpstreamInput = Omit<Upstream, 'servers'> & {
  readonly servers: 'system' | Upstream['servers'];
};

/** What all files together say. Names map to their item; null where the item is wrong. */
export class Sections {
  readonly upstreams = new Map<string, UpstreamInput | null>();
  readonly forward = new Map<string, ForwardRule | null>();
  readonly zones = new Map<string, LocalZone | null>();
  readonly feeds = new Map<string, Feed | null>();
  readonly bundles = new Map<string, Bundle | null>();
  readonly workloads = new Map<string, Workload | null>();
  readonly allow: Entry[] = [];
  readonly deny: Entry[] = [];
  /** Names that must be given somewhere; judged when all files are in. */
  readonly references: Reference[] = [];
  readonly problems: Problem[];
  /** Where each name was given first, by section. */
  readonly #places = new Map<string, Place>();
  readonly #claims = new SourceClaims();

  constructor(problems: Problem[]) {
    this.problems = problems;
  }

  /** Adds the sections of one file. */
  add(source: Source): void {
    for (const [name, value] of this.#items(source, 'upstreams')) {
      this.upstreams.set(name, this.#upstream(source, name, value));
    }
    for (const [name, value] of this.#items(source, 'forward')) {
      this.forward.set(name, this.#forwardRule(source, name, value));
    }
    for (const [name, value] of this.#items(source, 'feeds')) {
      this.feeds.set(name, this.#feed(source, name, value));
    }
    for (const [name, value] of this.#items(source, 'bundles')) {
      this.bundles.set(name, this.#bundle(source, name, value));
    }
    for (const [name, value] of this.#items(source, 'workloads')) {
      this.workloads.set(name, this.#workload(source, name, value));
    }
    this.#addZones(source);
    this.#addEveryone(source);
  }

  /** Notes that `name` is taken; false, with the problem reported, when it was already. */
  #claim(source: Source, path: Path, name: string): boolean {
    const key = `${String(path[0])} ${name}`;
    const place = source.document.keyAt(path);
    const first = this.#places.get(key);
    if (first === undefined) {
      this.#places.set(key, place);
      return true;
    }
    const message = `"${name}" is given twice; first at ${placeText(first)}`;
    this.problems.push(source.document.problem(place, path, message));
    return false;
  }

  /** Items of a section that is a mapping of names, with bad and repeated names reported. */
  *#items(
    source: Source,
    section: 'upstreams' | 'forward' | 'feeds' | 'bundles' | 'workloads',
  ): Generator<[string, unknown]> {
    const value = source.value[section];
    if (value === undefined) return;
    if (!isRecord(value)) {
      checked(sharedShape[section], source.document, { path: [section], value }, this.problems);
      return;
    }
    const keys = sharedShape[section].keyType;
    for (const [name, item] of Object.entries(value)) {
      const path = [section, name];
      const key = keys.safeParse(name);
      if (!key.success) {
        const message = key.error.issues[0]?.message ?? 'not a name';
        this.problems.push(source.document.problem(source.document.keyAt(path), path, message));
      }
      if (this.#claim(source, path, name)) yield [name, item];
    }
  }

  #upstream(source: Source, name: string, value: unknown): UpstreamInput | null {
    const path = ['upstreams', name];
    const input = checked(upstreamSchema, source.document, { path, value }, this.problems);
    if (input === undefined) return null;
    const { servers, hedge } = input;
    const within = servers === 'system' ? servers : servers.map((one) => inFolder(source, one));
    return { name, servers: within, hedge, at: source.document.keyAt(path) };
  }

  #forwardRule(source: Source, suffix: string, value: unknown): ForwardRule | null {
    const path = ['forward', suffix];
    const at = source.document.keyAt(path);
    const schema = sharedShape.forward.valueType;
    const input = checked(schema, source.document, { path, value }, this.problems);
    const name = suffix === '.' ? { name: '.', wire: nameToWire('.') } : parseName(suffix);
    if (typeof name === 'string') {
      this.problems.push(source.document.problem(at, path, `${name}; "." stands for all names`));
    }
    if (input === undefined) return null;
    // A name with servers of its own is an internal zone, unless the rule says otherwise.
    const given = typeof input === 'string' ? { upstream: input } : input;
    const rule = { upstream: given.upstream, internal: given.internal ?? suffix !== '.' };
    const named = typeof input === 'string' ? path : [...path, 'upstream'];
    const place = source.document.at(named);
    this.references.push({ kind: 'upstream', name: rule.upstream, path: named, at: place });
    return typeof name === 'string' ? null : { suffix: name.name, wire: name.wire, ...rule, at };
  }

  #feed(source: Source, name: string, value: unknown): Feed | null {
    const path = ['feeds', name];
    const input = checked(feedSchema, source.document, { path, value }, this.problems);
    if (input === undefined) return null;
    return {
      name,
      source: feedSource(source.directory, input.source),
      format: input.format,
      category: input.category,
      action: input.action,
      refreshMs: input.refresh,
      at: source.document.keyAt(path),
    };
  }

  #bundle(source: Source, name: string, value: unknown): Bundle {
    const path = ['bundles', name];
    const schema = sharedShape.bundles.valueType;
    let list: readonly (EntryInput | undefined)[] | undefined;
    list = checked(schema, source.document, { path, value }, this.problems);
    if (list === undefined && Array.isArray(value)) {
      list = value.map((item) => schema.element.safeParse(item).data);
    }
    const at = source.document.keyAt(path);
    return { name, entries: this.#allowed(source, path, list ?? []), at };
  }

  #workload(source: Source, name: string, value: unknown): Workload {
    const path = ['workloads', name];
    const { document } = source;
    const input = checkedMapping(workloadSchema, document, { path, value }, this.problems);
    const use = this.#named('bundle', source, { path: [...path, 'use'], list: input.use });
    return {
      name,
      owner: input.owner ?? null,
      env: input.env ?? null,
      sources: this.#sources(source, path, input.sources ?? []),
      mode: input.mode ?? 'enforce',
      use,
      allow: this.#allowed(source, [...path, 'allow'], input.allow),
      deny: entriesOf(source, [...path, 'deny'], input.deny),
      answer: input.answer ?? { kind: 'nxdomain' },
      chain: input.chain ?? 'trust',
      detect: detectOf(input.detect),
      sample: { queryLog: input.query_log ?? null, dnstap: input.dnstap ?? null },
      failOpen: input.fail_open ?? false,
      rateLimit: ownRateLimit(input.rate_limit),
      approvers: this.#named('person', source, {
        path: [...path, 'approvers'],
        list: input.approvers,
      }),
      tests: testsOf(source, [...path, 'tests'], input.tests),
      at: document.keyAt(path),
    };
  }

  /** The names of a list, each of which must be given elsewhere. */
  #named(
    kind: Reference['kind'],
    source: Source,
    { path, list }: { path: Path; list: readonly (string | undefined)[] },
  ): string[] {
    return list.flatMap((name, i) => {
      if (name === undefined) return [];
      const at = source.document.at([...path, i]);
      this.references.push({ kind, name, path: [...path, i], at });
      return [name];
    });
  }

  #sources(source: Source, path: Path, list: PrefixInputs): Prefix[] {
    const sourcesPath = [...path, 'sources'];
    for (const [i, prefix] of list.entries()) {
      if (prefix === undefined) continue;
      const itemPath = [...sourcesPath, i];
      const at = source.document.at(itemPath);
      const message = this.#claims.claim(String(path[1]), { ...prefix, at });
      if (message !== null) this.problems.push(source.document.problem(at, itemPath, message));
    }
    return prefixesOf(source, sourcesPath, list);
  }

  /** Entries that let names through. */
  #allowed(source: Source, path: Path, list: readonly (EntryInput | undefined)[]): Entry[] {
    return entriesOf(source, path, list, (entry, index) => {
      const message = sharedSuffixProblem(entry);
      if (message === null) return;
      this.problems.push(source.document.problem(entry.at, [...path, index], message));
    });
  }

  #addZones(source: Source): void {
    const value = source.value['zones'];
    if (value === undefined) return;
    const { document } = source;
    if (!Array.isArray(value)) {
      checked(sharedShape.zones, document, { path: ['zones'], value }, this.problems);
      return;
    }
    for (const [i, item] of value.entries()) {
      const path = ['zones', i];
      const zone = checked(zoneSchema, document, { path, value: item }, this.problems);
      if (zone === undefined || !this.#claim(source, path, zone.name.name)) continue;
      const file = resolve(source.directory, zone.file);
      const at = document.at(path);
      this.zones.set(zone.name.name, { ...zone.name, file, private: zone.private, at });
    }
  }

  #addEveryone(source: Source): void {
    const value = source.value['everyone'];
    if (value === undefined) return;
    const schema = sharedShape.everyone;
    const at = { path: ['everyone'], value };
    const input = checkedMapping(schema, source.document, at, this.problems);
    this.allow.push(...this.#allowed(source, ['everyone', 'allow'], input.allow));
    this.deny.push(...entriesOf(source, ['everyone', 'deny'], input.deny));
  }
}

type PrefixInputs = readonly (Omit<Prefix, 'at'> | undefined)[];

export function prefixesOf(source: Source, path: Path, list: PrefixInputs): Prefix[] {
  return list.flatMap((prefix, i) =>
    prefix === undefined ? [] : [{ ...prefix, at: source.document.at([...path, i]) }],
  );
}

function entriesOf(
  source: Source,
  path: Path,
  list: readonly (EntryInput | undefined)[],
  inspect?: (entry: Entry, index: number) => void,
): Entry[] {
  return list.flatMap((input, i) => {
    if (input === undefined) return [];
    const entry = entryOf(input, source.document.at([...path, i]));
    inspect?.(entry, i);
    return [entry];
  });
}

function entryOf(input: EntryInput, at: Place): Entry {
  if ('kind' in input) {
    const none = { types: null, sharedSuffix: false, budget: null, reason: null, ticket: null };
    return { pattern: input, ...none, at };
  }
  return {
    pattern: input.name,
    types: input.types ?? null,
    sharedSuffix: input.shared_suffix,
    budget: 'budget' in input ? budgetOf(input.budget) : null,
    reason: input.reason ?? null,
    ticket: input.ticket ?? null,
    at,
  };
}

type BudgetInput = Exclude<Extract<EntryInput, { budget?: unknown }>['budget'], undefined>;

function budgetOf(input: BudgetInput | undefined): Budget | null {
  if (input === undefined) return null;
  return 'limit' in input ? { ...input.limit, action: input.action } : { ...input, action: 'deny' };
}

type WorkloadInput = Salvaged<z.output<typeof workloadSchema>>;

function detectOf(input: WorkloadInput['detect']): Workload['detect'] {
  const tunnel = input?.tunnel;
  const generated = input?.generated;
  const reputation = {
    alertBelow: input?.reputation?.alert_below ?? null,
    denyBelow: input?.reputation?.deny_below ?? null,
  };
  const baseline = input?.baseline;
  return {
    reputation,
    baseline: { action: baseline?.action ?? null, factor: baseline?.factor ?? null },
    tunnel: { threshold: tunnel?.threshold ?? null, action: tunnel?.action ?? null },
    generated: {
      threshold: generated?.threshold ?? null,
      burst: generated?.burst ?? null,
      action: generated?.action ?? null,
    },
  };
}

function testsOf(source: Source, path: Path, list: WorkloadInput['tests']): Workload['tests'] {
  return list.flatMap((test, i) => {
    if (test === undefined) return [];
    const at = source.document.at([...path, i]);
    return [{ ...test.name, type: test.type, expect: test.expect, at }];
  });
}

function feedSource(directory: string, source: string | readonly string[]): Feed['source'] {
  if (typeof source !== 'string') return { kind: 'inline', entries: source };
  if (/^https?:\/\//i.test(source)) return { kind: 'url', url: source };
  return { kind: 'file', path: resolve(directory, source) };
}

/** A server whose file of authorities is found from anywhere. */
function inFolder({ directory }: Source, server: UpstreamServer): UpstreamServer {
  const { secure } = server;
  if (secure?.ca?.kind !== 'file') return server;
  const ca = { ...secure.ca, path: resolve(directory, secure.ca.path) };
  return { ...server, secure: { ...secure, ca } };
}
