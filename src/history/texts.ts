/** Policies and rules by their keys, each read once: the rows of a listing share few of them. */

import type Database from 'better-sqlite3';
import type { DecisionTexts } from './rows.ts';

type Policy = NonNullable<ReturnType<DecisionTexts['policy']>>;

export function textsOf(db: Database.Database): DecisionTexts {
  const policies = new Map<number, Policy | null>();
  const rules = new Map<number, string>();
  return {
    policy: (id) => {
      let policy = policies.get(id);
      if (policy === undefined) {
        const sql = 'SELECT revision, loaded_ms FROM policy WHERE id = ?';
        policy = db.prepare<[number], Policy>(sql).get(id) ?? null;
        policies.set(id, policy);
      }
      return policy;
    },
    rule: (id) => {
      let rule = rules.get(id);
      if (rule === undefined) {
        const sql = 'SELECT text FROM rule WHERE id = ?';
        rule = db.prepare<[number], string>(sql).pluck().get(id) ?? '';
        rules.set(id, rule);
      }
      return rule;
    },
  };
}
