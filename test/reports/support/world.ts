/** A network for reports: files, a policy that was in force, a history, exceptions. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { AuditLog } from '../../../src/audit/log.ts';
import type { Act } from '../../../src/audit/record.ts';
import { register } from '../../../src/cli/report.ts';
import { configurationDigest } from '../../../src/config/digest.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { KIND_NAME } from '../../../src/events/kinds.ts';
import type { ExceptionRecord } from '../../../src/overrides/records.ts';
import { exceptionRow } from '../../../src/overrides/rows.ts';
import {
  OVERRIDES_APPLICATION_ID,
  OVERRIDES_FILE,
  OVERRIDES_SCHEMA_VERSION,
  STEPS,
} from '../../../src/overrides/schema.ts';
import { packTexts } from '../../../src/policy/rules.ts';
import { KeptPolicies } from '../../../src/reports/kept.ts';
import { policyOf } from '../../../src/reports/policy.ts';
import { type Run, readWith } from '../../cli/support/read.ts';
import { fixture, temporaryDirectory } from '../../history/support/fixture.ts';
import { NOON, type RecordSpec } from '../../history/support/records.ts';

export const DAY = 86_400_000;
/** When the reports are made. */
export const NOW = NOON + 200 * DAY;

export const MAIN = `listen: [ "127.0.0.1:5353" ]
upstreams: { default: { servers: [ 192.0.2.1 ] }, corp: { servers: [ 192.0.2.2 ] } }
forward: { ".": default, corp.example: { upstream: corp, internal: true } }
include: [ teams/*.yaml ]
history: { path: history.db }
state_directory: state
bundles:
  aws:
    - sts.example.net
    - "*.s3.example.net"
everyone:
  allow: [ "*.svc.corp.example" ]
`;

export const TEAM = `workloads:
  pay:
    owner: team-pay
    env: prod
    sources: [ 10.1.0.0/16 ]
    mode: enforce
    use: [ aws ]
    allow:
      # The bank.
      - bank.example.com
      - { name: "*.partner.example", types: [ A, AAAA ], reason: settlement, ticket: CHG-1 }
      - name: old.example.org
        reason: nobody knows
      - "*.wide.example"
  batch:
    sources: [ 10.2.0.0/16 ]
    mode: enforce
    allow: [ feed.example.org ]
  lab:
    owner: team-lab
    sources: [ 10.3.0.0/16 ]
    mode: report
`;

/** Uses by workload number (1 pay, 2 batch, 3 lab): rule, name, days before now. */
export interface UseSpec {
  readonly workload: number;
  readonly rule: string;
  readonly name: string;
  readonly days: number;
  readonly queries?: number;
}

export class World {
  readonly folder = temporaryDirectory();
  readonly state = join(this.folder, 'state');
  readonly config = join(this.folder, 'main.yaml');

  constructor(team = TEAM, main = MAIN) {
    mkdirSync(join(this.folder, 'teams'));
    mkdirSync(this.state);
    writeFileSync(this.config, main);
    this.write(team);
  }

  write(team: string): void {
    writeFileSync(join(this.folder, 'teams', 'pay.yaml'), team);
  }

  /** What the files say comes into force, as a reload does it. */
  async inForce(days: number, revision = 1, act: Partial<Act> = {}): Promise<void> {
    const atMs = NOW - days * DAY;
    const config = loadConfig(this.config);
    new KeptPolicies(this.state).keep(policyOf(config), atMs);
    const after = { revision, configuration: configurationDigest(config) };
    await this.act({ act: 'reload', by: BY, details: { after, refused: null }, ...act }, days);
  }

  async act(act: Act, days: number): Promise<void> {
    const now = (): number => NOW - days * DAY;
    const audit = new AuditLog({ stateDirectory: this.state, now, report: () => {} });
    await audit.record(act);
    await audit.close(1000);
  }

  /** @param since days before now, from when uses are kept */
  history(uses: readonly UseSpec[], since = 150): void {
    const rules = ['', ...new Set(uses.map(({ rule }) => rule))];
    const test = fixture({ path: join(this.folder, 'history.db'), nowMs: NOW - since * DAY });
    const workloads = ['(unmapped)', 'pay', 'batch', 'lab'];
    const at = NOW - since * DAY;
    test.recording.addRevision({ revision: 1, workloads, rules: packTexts(rules), at });
    test.recording.flush();
    test.put(uses.flatMap((use) => recordsOf(use, rules.indexOf(use.rule))));
    test.clock.ms = NOW;
    test.recording.close();
  }

  exceptions(list: readonly Partial<ExceptionRecord>[]): void {
    const db = new Database(join(this.state, OVERRIDES_FILE));
    for (const step of STEPS) db.exec(step);
    db.pragma(`application_id = ${OVERRIDES_APPLICATION_ID}`);
    db.pragma(`user_version = ${OVERRIDES_SCHEMA_VERSION}`);
    for (const [i, one] of list.entries()) {
      const row = exceptionRow({ ...EXCEPTION, number: i + 1, ...one });
      const names = Object.keys(row);
      const marks = names.map((name) => `@${name}`).join(', ');
      db.prepare(`INSERT INTO exception (${names.join(', ')}) VALUES (${marks})`).run(row);
    }
    db.close();
  }

  run(...args: readonly string[]): Promise<Run> {
    return readWith(register, NOW, ['report', ...args, '-c', this.config, '--utc']);
  }

  /** Rows of the JSON document, with fewer fields where some are named. */
  async rows(args: readonly string[], ...fields: readonly string[]): Promise<unknown[]> {
    const { stdout } = await this.run(...args, '--json');
    const { rows } = JSON.parse(stdout) as { rows: Record<string, unknown>[] };
    if (fields.length === 0) return rows;
    return rows.map((row) => fields.map((field) => row[field]));
  }
}

const BY = { via: 'control', uid: 1000, gid: 100, pid: 7 } as const;

function recordsOf({ workload, rule, name, days, queries = 1 }: UseSpec, id: number): RecordSpec[] {
  const ms = NOW - days * DAY;
  const times = { firstMs: ms, lastMs: ms, workload, rule: rule === '' ? 0 : id };
  return [
    { name, allowed: queries, ...times },
    { kind: KIND_NAME, name, allowed: queries, ...times },
  ];
}

const EXCEPTION: ExceptionRecord = {
  id: 'ex-1',
  number: 1,
  state: 'active',
  workload: 'pay',
  pattern: '*.fix.example',
  types: null,
  overridesFeeds: false,
  reason: 'incident',
  ticket: 'INC-9',
  requester: 'alice',
  requesterUid: 1001,
  requestedMs: NOW - DAY,
  durationMs: 2 * DAY,
  isBreakGlass: false,
  approver: 'bob',
  approverUid: 1002,
  approvedMs: NOW - DAY,
  approveByMs: NOW,
  startMs: NOW - DAY,
  end: { untilMs: NOW + DAY / 2, leftMs: DAY / 2, bootId: 'b', bootEndMs: DAY },
  endedMs: null,
  renewals: 0,
  queries: 3,
  firstUseMs: NOW - DAY,
  lastUseMs: NOW - DAY / 2,
};
