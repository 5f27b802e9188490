/**
 * Builders for policy tests: configurations from patterns as text, names from presentation text,
 * and a reputation of plain sets. No test logic.
 */

import type { Bundle, Config, Entry, Mode, Pattern, Workload } from '../../src/config/types.ts';
import { FLAG_REPUTATION } from '../../src/events/kinds.ts';
import { compileIdentity } from '../../src/identity/compile.ts';
import { Workloads } from '../../src/identity/workloads.ts';
import { InForce } from '../../src/overrides/in-force.ts';
import { noOverrides } from '../../src/overrides/memory.ts';
import { type PolicyView, ZONE_NONE } from '../../src/policy/authorize.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { Decision } from '../../src/policy/decision.ts';
import { Rules } from '../../src/policy/rules.ts';
import { Policy } from '../../src/policy/suffixes.ts';
import { VET_ALERT, VET_DENY, VET_NOTHING } from '../../src/reputation/vet.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToText, nameToWire } from '../../src/wire/text.ts';

const AT = { file: 'test.yaml', line: 1, col: 1 };

/** A pattern of product.md, in normal form. */
export function pattern(text: string): Pattern {
  const kind = text.startsWith('*.') ? 'below' : text.startsWith('.') ? 'both' : 'exact';
  const name = text.slice({ exact: 0, below: 2, both: 1 }[kind]);
  return { kind, name, wire: nameToWire(name), text };
}

/** An entry; types follow the pattern as numbers. */
export function entry(text: string, ...types: number[]): Entry {
  return {
    pattern: pattern(text),
    types: types.length === 0 ? null : types,
    sharedSuffix: false,
    budget: null,
    reason: null,
    ticket: null,
    at: AT,
  };
}

type EntryLike = string | Entry;

export interface WorkloadSketch {
  readonly name?: string;
  readonly mode?: Mode;
  readonly use?: readonly string[];
  readonly allow?: readonly EntryLike[];
  readonly deny?: readonly EntryLike[];
  readonly tests?: Workload['tests'];
}

export interface Sketch {
  readonly everyoneDeny?: readonly EntryLike[];
  readonly everyoneAllow?: readonly EntryLike[];
  readonly bundles?: Readonly<Record<string, readonly EntryLike[]>>;
  readonly workloads?: readonly WorkloadSketch[];
  readonly unmapped?: Mode;
}

function entries(list: readonly EntryLike[] = []): Entry[] {
  return list.map((item) => (typeof item === 'string' ? entry(item) : item));
}

const NO_LIMIT = { queries: null, misses: null, burstMs: null };

function workload(sketch: WorkloadSketch, index: number): Workload {
  return {
    name: sketch.name ?? `w${index + 1}`,
    owner: null,
    env: null,
    sources: [],
    mode: sketch.mode ?? 'enforce',
    use: sketch.use ?? [],
    allow: entries(sketch.allow),
    deny: entries(sketch.deny),
    answer: { kind: 'nxdomain' },
    chain: 'trust',
    detect: {
      reputation: { alertBelow: null, denyBelow: null },
      baseline: { action: null, factor: null },
      tunnel: { threshold: null, action: null },
      generated: { threshold: null, burst: null, action: null },
    },
    sample: { queryLog: null, dnstap: null },
    failOpen: false,
    rateLimit: NO_LIMIT,
    approvers: [],
    tests: sketch.tests ?? [],
    at: AT,
  };
}

/** The parts of a configuration that identity and policy read. */
export function config(sketch: Sketch): Config {
  const bundles: Bundle[] = Object.entries(sketch.bundles ?? {}).map(([name, list]) => ({
    name,
    entries: entries(list),
    at: AT,
  }));
  const parts: Partial<Config> = {
    bundles,
    everyone: { allow: entries(sketch.everyoneAllow), deny: entries(sketch.everyoneDeny) },
    workloads: (sketch.workloads ?? [{}]).map(workload),
    unmapped: {
      mode: sketch.unmapped ?? 'enforce',
      answer: { kind: 'refused' },
      rateLimit: NO_LIMIT,
    },
  };
  return parts as Config;
}

/** Feeds 1 (deny) and 2 (alert), each a list of names that it holds exactly. */
export interface FeedSketch {
  readonly deny?: readonly string[];
  readonly alert?: readonly string[];
}

/** A reputation that knows what `Reputation` promises to policy, and nothing else. */
export function reputation(feeds: FeedSketch, rule: number): PolicyView['reputation'] {
  return {
    vet(name: WireName, decision: Decision): number {
      const deniedAt = labelListed(name, feeds.deny);
      const denied = deniedAt !== -1;
      const label = denied ? deniedAt : labelListed(name, feeds.alert);
      if (label === -1) return VET_NOTHING;
      decision.feed = denied ? 1 : 2;
      decision.flags |= FLAG_REPUTATION;
      decision.matchedLabel = label;
      if (denied) decision.rule = rule;
      return denied ? VET_DENY : VET_ALERT;
    },
  };
}

/** Label at which an entry stands in the name, -1 for none: `x` is that name, `.x` what is below it. */
function labelListed(name: WireName, entries: readonly string[] = []): number {
  for (let label = 0; label < name.labelCount; label++) {
    const suffix = nameToText(name.octets, name.labelAt[label] ?? 0);
    if (entries.includes(label === 0 ? suffix : `.${suffix}`)) return label;
  }
  return -1;
}

export const UNSCORED = {
  memory: { denyBelow: new Uint8Array(64) },
  judge: () => 100,
};

export interface Snapshot extends PolicyView {
  readonly rules: Rules;
  localZone(name: WireName): number;
}

export function snapshot(sketch: Sketch, feeds: FeedSketch = {}): Snapshot {
  const parsed = config(sketch);
  const rules = new Rules();
  return {
    policy: new Policy(compilePolicy(parsed, rules)),
    overrides: new InForce(noOverrides()),
    workloads: new Workloads(compileIdentity(parsed).workloads),
    reputation: reputation(feeds, rules.add('feed bad (category malware)')),
    standing: UNSCORED,
    rules,
    localZone: () => ZONE_NONE,
  };
}

/** A name as a query carries it, from presentation text. */
export function wireName(text: string): WireName {
  return fromWire(nameToWire(text));
}

export function fromWire(wire: Uint8Array): WireName {
  const name = new WireName();
  if (readName(wire, 0, wire.length, name) !== wire.length) throw new Error('not a wire name');
  return name;
}
