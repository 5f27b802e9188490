/**
 * What the history holds about a workload in a window, read in one transaction and in an order that
 * follows from the file alone. Pairs with their full names, findings, hours, policies.
 */

import type Database from 'better-sqlite3';
import { nameDocument, pairDocument } from '../cli/pair-output.ts';
import { detectorOf } from '../detect/detectors.ts';
import { addressText } from '../history/addresses.ts';
import { unpackParts } from '../history/finding-rows.ts';
import { NAME_SHIFT } from '../history/migrations.ts';
import { textOfReversed } from '../history/names.ts';
import { heardIds } from '../history/packed-ids.ts';
import {
  type DecisionTexts,
  nameRow,
  PAIR_COLUMNS,
  pairRow,
  type RawName,
  type RawPair,
  soleName,
} from '../history/rows.ts';
import { textsOf } from '../history/texts.ts';
import { typeToText } from '../wire/text.ts';
import type { Window } from './alerts.ts';

const HOUR_MS = 3_600_000;
/** Pairs read with one statement. */
const READ_AT_ONCE = 500;

const HEARD = 'SELECT id, more FROM heard WHERE workload_id = ? ORDER BY newest_ms, id';
const PAIRS = `
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
CROSS JOIN workload w ON w.id = p.workload_id
WHERE p.last_ms >= @sinceMs AND p.first_ms <= @untilMs ORDER BY p.id`;
const NAMES = `
WITH RECURSIVE stretch (number) AS (
  SELECT 0 UNION ALL SELECT number + 1 FROM stretch
  WHERE number < (SELECT coalesce(max(id), 0) >> ${NAME_SHIFT} FROM name))
SELECT n.* FROM stretch CROSS JOIN name n INDEXED BY name_by_pair
  ON (n.id >> ${NAME_SHIFT}) = stretch.number AND n.pair_id = @pair
WHERE n.last_ms >= @sinceMs AND n.first_ms <= @untilMs ORDER BY n.first_ms, n.name_rev`;
const FINDINGS = `
SELECT f.*, coalesce(r.text, '') AS rule FROM finding f LEFT JOIN rule r ON r.id = f.rule_id
WHERE f.workload_id = @id AND f.last_ms >= @sinceMs AND f.first_ms <= @untilMs ORDER BY f.id`;
const HOURS = `
SELECT hour, queries, denied, failed, nxdomain, domains, fresh FROM activity
WHERE workload_id = @id AND hour >= @from AND hour <= @until ORDER BY hour`;
// The last one before the window was in force when it began.
const POLICIES = `
SELECT revision, loaded_ms FROM policy WHERE loaded_ms <= @untilMs AND loaded_ms >=
  coalesce((SELECT max(loaded_ms) FROM policy WHERE loaded_ms <= @sinceMs), 0)
ORDER BY loaded_ms, revision`;

interface RawFinding {
  readonly type: number;
  readonly name_rev: string;
  readonly rule: string;
  readonly found_ms: number;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly count: number;
  readonly denied: number;
  readonly score: number;
  readonly threshold: number;
  readonly parts: Buffer;
  readonly full_rev: string;
  readonly qtype: number;
  readonly source: Buffer;
}

export class HistoryEvidence {
  readonly #db: Database.Database;
  readonly #texts: DecisionTexts;
  readonly #id: number | undefined;
  readonly #window: Window;

  constructor(db: Database.Database, workload: string, window: Window) {
    this.#db = db;
    this.#texts = textsOf(db);
    this.#window = window;
    const find = db.prepare<[string], number>('SELECT id FROM workload WHERE name = ?').pluck();
    this.#id = find.get(workload);
  }

  /** Whether the history has heard of the workload. */
  get isKnown(): boolean {
    return this.#id !== undefined;
  }

  *pairs(): Generator<object> {
    const heard = this.#db.prepare<[number], [number, Buffer | null]>(HEARD).raw();
    const ids: number[] = [];
    for (const [first, more] of heard.iterate(this.#id ?? -1)) {
      for (const id of heardIds(first, more)) ids.push(id);
    }
    ids.sort((a, b) => a - b);
    const pairs = this.#db.prepare<[Record<string, unknown>], RawPair>(PAIRS);
    const names = this.#db.prepare<[Record<string, unknown>], RawName>(NAMES);
    for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
      const some = JSON.stringify(ids.slice(at, at + READ_AT_ONCE));
      for (const raw of pairs.all({ ids: some, ...this.#window })) {
        const sole = soleName(raw);
        const details = sole === undefined ? names.all({ pair: raw.id, ...this.#window }) : [sole];
        const detail = details.map((each) => nameDocument(nameRow(raw.domain_rev, each)));
        yield { ...pairDocument(pairRow(raw, this.#texts)), detail };
      }
    }
  }

  findings(): object[] {
    const statement = this.#db.prepare<[Record<string, unknown>], RawFinding>(FINDINGS);
    return statement.all({ id: this.#id ?? -1, ...this.#window }).map(findingRow);
  }

  hours(): object[] {
    const { sinceMs, untilMs } = this.#window;
    const statement = this.#db.prepare<[Record<string, number>], { hour: number }>(HOURS);
    const from = Math.floor(sinceMs / HOUR_MS);
    const rows = statement.all({ id: this.#id ?? -1, from, until: Math.floor(untilMs / HOUR_MS) });
    return rows.map(({ hour, ...counts }) => ({ hour: timeText(hour * HOUR_MS), ...counts }));
  }

  policies(): object[] {
    const statement = this.#db.prepare<[Window], { revision: number; loaded_ms: number }>(POLICIES);
    return statement
      .all(this.#window)
      .map(({ revision, loaded_ms: ms }) => ({ revision, loaded: ms === 0 ? null : timeText(ms) }));
  }
}

function findingRow(raw: RawFinding): object {
  return {
    detector: detectorOf(raw.type).name,
    domain: raw.name_rev === '' ? null : textOfReversed(raw.name_rev),
    name: textOfReversed(raw.full_rev),
    type: typeToText(raw.qtype),
    source: addressText(raw.source),
    rule: raw.rule === '' ? null : raw.rule,
    found: timeText(raw.found_ms),
    first_seen: timeText(raw.first_ms),
    last_seen: timeText(raw.last_ms),
    count: raw.count,
    denied: raw.denied,
    score: raw.score,
    threshold: raw.threshold,
    parts: unpackParts(raw.parts),
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
