/**
 * The engine, asked about names that were seen: the same `authorize` over the same tables as a
 * query, for as many names as there are. Slow lane.
 */

import type { Pattern } from '../config/types.ts';
import { REASON_MODE, REASON_REPUTATION } from '../events/kinds.ts';
import { authorize } from '../policy/authorize.ts';
import { Decision } from '../policy/decision.ts';
import type { ExplainedSnapshot, Score } from '../policy/explain.ts';
import { explainable, type Snapshot } from '../server/snapshot.ts';
import * as types from '../wire/constants.ts';
import { readName, WireName } from '../wire/name.ts';
import { nameToWire, typeFromText } from '../wire/text.ts';
import { ANY_LABEL, NAME_MAX, namesFurtherBelow } from './further-below.ts';
import type { SeenName } from './seen.ts';

/**
 * `allowed`: by a rule or a local zone. `undecided`: no rule speaks of it, so that its fate is the
 * mode's. `denied`: by a rule or a feed, in every mode. `score`: by its reputation.
 */
export type Verdict = 'allowed' | 'undecided' | 'denied' | 'score';

export interface Said {
  readonly verdict: Verdict;
  /** Text of the rule that decided; '' where none did. */
  readonly rule: string;
  /** Feed that lists the name, also one that only alerts; '' for none. */
  readonly feed: string;
}

/** Types that are asked for where the history does not know: most queries are for the first. */
const TYPES = ['A', 'AAAA', 'HTTPS', 'TXT', 'SRV', 'MX', 'NS', 'PTR', 'CNAME', 'SOA', 'CAA'].map(
  (text) => typeFromText(text) ?? types.TYPE_A,
);

/** What is asked for together: `A`, `AAAA` and `HTTPS`. */
const COMMON_TYPES = TYPES.slice(0, 3);

export class Engine {
  readonly #snapshot: ExplainedSnapshot;
  readonly #workload: number;
  readonly #ruled: readonly Pattern[];
  readonly #name = new WireName();
  readonly #decision = new Decision();

  /**
   * @param workload its number in the snapshot, 1 or more
   * @param ruled patterns of rules that may let it through, for names that are not known
   */
  constructor(snapshot: Snapshot, workload: number, ruled: readonly Pattern[] = []) {
    this.#snapshot = explainable(snapshot.memory);
    this.#workload = workload;
    this.#ruled = ruled;
  }

  /** What would become of the queries that the row stands for. */
  ofSeen(seen: SeenName): Said {
    if (seen.kind === 'domain') return this.#ofUnknown(seen);
    const said = this.ask(seen.name, seen.firstType || types.TYPE_A);
    if (said.verdict !== 'undecided' || seen.firstType !== 0) return said;
    // A rule for another type may be all that it needs: then nothing was said against it so far.
    if (seen.wouldDeny + seen.denied > 0) return said;
    const others = TYPES.map((type) => this.ask(seen.name, type));
    return others.find(({ verdict }) => verdict === 'allowed') ?? said;
  }

  /**
   * Whether rules for some types allow it, and queries for others may be why some of it would have
   * been denied.
   */
  isPartly(seen: SeenName): boolean {
    if (seen.kind === 'domain' || seen.wouldDeny === 0) return false;
    const verdicts = COMMON_TYPES.map((type) => this.ask(seen.name, type).verdict);
    return verdicts.includes('undecided') && this.ofSeen(seen).verdict === 'allowed';
  }

  /** Names that are not known may be the domain itself, or any below it. */
  #ofUnknown(seen: SeenName): Said {
    const room = NAME_MAX - seen.name.length;
    const below = this.ask(`${ANY_LABEL.slice(0, Math.max(1, room))}.${seen.name}`, types.TYPE_A);
    const isClean = seen.wouldDeny + seen.denied === 0;
    if (below.verdict === 'undecided' && isClean) return this.#furtherBelow(seen.name) ?? below;
    const isAll = below.verdict !== 'allowed' || isClean;
    return isAll ? below : this.ask(seen.name, types.TYPE_A);
  }

  /**
   * Where nothing spoke against names that are not known, they were let through by a rule for what
   * lies further below their domain, or by the local zones of private addresses. Null where there
   * is none by now.
   */
  #furtherBelow(domain: string): Said | null {
    for (const name of namesFurtherBelow(this.#ruled, domain)) {
      const said = this.ask(name, types.TYPE_A);
      if (said.verdict === 'allowed') return said;
    }
    return null;
  }

  ask(name: string, type: number): Said {
    const decision = this.#decide(name, type);
    return {
      verdict: verdictOf(decision),
      rule: this.#snapshot.ruleText(decision.rule),
      feed: this.#snapshot.feedName(decision.feed),
    };
  }

  /** The reputation of a name as the workload takes it. */
  score(name: string): Score {
    const decision = this.#decide(name, types.TYPE_A);
    return this.#snapshot.scoreOf(this.#name, decision.feed, this.#workload);
  }

  #decide(name: string, type: number): Decision {
    const wire = nameToWire(name);
    readName(wire, 0, wire.length, this.#name);
    const zone = this.#snapshot.localZone(this.#name);
    authorize(this.#name, type, this.#workload, this.#snapshot, zone, this.#decision);
    return this.#decision;
  }
}

function verdictOf({ allowed, wouldDeny, reason }: Decision): Verdict {
  if (allowed === 1 && wouldDeny === 0) return 'allowed';
  if (reason === REASON_MODE) return 'undecided';
  return reason === REASON_REPUTATION ? 'score' : 'denied';
}
