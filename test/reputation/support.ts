/** Feeds and look-ups by text, for the tests of reputation. */

import type { Feed, FeedFormat } from '../../src/config/types.ts';
import { Decision } from '../../src/policy/decision.ts';
import { Rules } from '../../src/policy/rules.ts';
import { buildReputation, type Compiled, type FeedInput } from '../../src/reputation/compile.ts';
import { Reputation } from '../../src/reputation/vet.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

export interface FeedText {
  readonly text: string;
  readonly name?: string;
  readonly format?: FeedFormat;
  readonly category?: string;
  readonly action?: 'deny' | 'alert';
}

export function feedOf({ text: _, ...given }: FeedText): Feed {
  return {
    name: 'list',
    source: { kind: 'inline', entries: [] },
    format: 'plain',
    category: 'malware',
    action: 'deny',
    refreshMs: 3_600_000,
    at: { file: 'main.yaml', line: 7, col: 3 },
    ...given,
  };
}

export function inputOf(given: FeedText): FeedInput {
  return { feed: feedOf(given), octets: new TextEncoder().encode(given.text) };
}

export function build(feeds: readonly FeedText[], rules = new Rules()): Compiled {
  return buildReputation(feeds.map(inputOf), rules);
}

export function wireName(text: string): WireName {
  const name = new WireName();
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  return name;
}

export interface Vetted {
  readonly result: number;
  readonly feed: number;
  readonly label: number;
  readonly flags: number;
  readonly rule: number;
}

export function vet(reputation: Reputation, name: string): Vetted {
  const decision = new Decision();
  const result = reputation.vet(wireName(name), decision);
  const { feed, matchedLabel: label, flags, rule } = decision;
  return { result, feed, label, flags, rule };
}

export function reputationOf(feeds: readonly FeedText[]): Reputation {
  return new Reputation(build(feeds).memory);
}
