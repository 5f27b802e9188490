/**
 * Store: the database as the recorder uses it, through good times and bad.
 *
 * It opens, retries, resumes and says each change of state once. It never throws: while the disk is
 * full, read-only or held by somebody else, `write` stores nothing and says so, and the caller
 * keeps its rows.
 */

import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { BaselineTable } from '../baseline/table.ts';
import type { LedgerMemory } from '../detect/carry.ts';
import { DnsvalveError } from '../errors.ts';
import { AnswerRows } from './answer-rows.ts';
import type { Answer } from './answers.ts';
import { BelievedClock, type TwoClocks } from './believed-clock.ts';
import { BindingRows } from './binding-rows.ts';
import { BusyDays } from './busy-days.ts';
import { DaySettling } from './day-settling.ts';
import { Debuts } from './debuts.ts';
import type { FactsNames } from './decisions.ts';
import { FindingRows } from './finding-rows.ts';
import type { Finding } from './found.ts';
import type { PairGather } from './gather.ts';
import { LedgerRows } from './ledger-rows.ts';
import type { NamedLedger } from './ledgers.ts';
import { describeTrouble, isCorrupt, type openForWriting, setAside, sqliteCode } from './open.ts';
import { Purge } from './purge.ts';
import { RuleUseRows } from './rule-use-rows.ts';
import type { RuleUse } from './rule-uses.ts';
import { seedLedgers } from './seeding.ts';
import { Settling } from './settling.ts';
import { WorkloadDays } from './workload-days.ts';
import { Writer } from './writer.ts';

/** Pause before the next try after trouble, ms. */
const RETRY_MS = 1000;

/** Errors that come from the rows and not from the disk: trying again would fail again. */
const SPOILED = /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/;

export interface StoreSettings extends TwoClocks {
  readonly path: string;
  readonly namesPerDomain: number;
  readonly retentionMs: number;
  /** Rows kept of addresses in answers. */
  readonly answers: number;
  readonly names: FactsNames;
  readonly notice: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Called now and then while a transaction runs; must not touch the rows that are written. */
  readonly meanwhile: () => void;
  /** How the file is opened. */
  readonly open: typeof openForWriting;
}

/** `spoiled`: one of the rows cannot be stored at all; the others can, given by themselves. */
export type WriteResult = 'stored' | 'trouble' | 'spoiled';

interface Connection {
  readonly db: Database.Database;
  readonly writer: Writer;
  readonly findings: FindingRows;
  readonly ledgers: LedgerRows;
  readonly purge: Purge;
  readonly settling: Settling;
  readonly debuts: Debuts;
  readonly busyDays: BusyDays;
  readonly days: DaySettling;
  readonly baselines: BaselineTable;
  readonly bindings: BindingRows;
  readonly answers: AnswerRows;
  readonly uses: RuleUseRows;
}

export class Store {
  /** Why nothing is written now, or null. */
  error: string | null = null;
  /** Counts up when rows that were known may be others or gone: what was remembered of them. */
  epoch = 0;
  readonly #settings: StoreSettings;
  readonly #believed: BelievedClock;
  #open: Connection | null = null;
  /** Rows written by earlier connections. */
  #rowsBefore = 0;
  #firstSeenBefore = 0;
  /** Refused files are not tried again: that takes a person. */
  #refused = false;
  #retryAt = 0;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    this.#believed = new BelievedClock(settings);
    this.#connection();
  }

  get rowsWritten(): number {
    return this.#rowsBefore + (this.#open?.writer.rowsWritten ?? 0);
  }

  /** Pairs stored that were not there, since the start. */
  get firstSeen(): number {
    return this.#firstSeenBefore + (this.#open?.writer.firstSeen ?? 0);
  }

  /** Octets of the database and its log; 0 where there is none. */
  get bytes(): number {
    const { path } = this.#settings;
    return sizeOf(path) + sizeOf(`${path}-wal`);
  }

  write(pairs: readonly PairGather[]): WriteResult {
    return this.#attempt(({ writer }) => writer.store(pairs));
  }

  writeFindings(list: readonly Finding[]): WriteResult {
    return this.#attempt(({ findings }) => findings.store(list));
  }

  writeAnswers(list: readonly Answer[]): WriteResult {
    return this.#attempt(({ answers }) => answers.store(list));
  }

  writeLedgers(list: readonly NamedLedger[]): WriteResult {
    return this.#attempt(({ ledgers }) => ledgers.store(list));
  }

  writeRuleUses(list: readonly RuleUse[], nowMs: number): WriteResult {
    return this.#attempt(({ uses }) => uses.store(list, nowMs));
  }

  /** Runs `work` with the bindings of sources to workloads. */
  bindings(work: (rows: BindingRows) => void): WriteResult {
    return this.#attempt(({ bindings }) => work(bindings));
  }

  /** Puts the ledgers of earlier runs back; false where they could not be read. */
  seed(memory: LedgerMemory): boolean {
    const { now } = this.#settings;
    return this.#attempt(({ ledgers }) => seedLedgers(ledgers, memory, now())) === 'stored';
  }

  /** Whether a write would fail without being tried. */
  get isResting(): boolean {
    const leftMs = this.#retryAt - this.#settings.now();
    // More than a whole pause is a clock that was set back.
    return leftMs > 0 && leftMs <= RETRY_MS;
  }

  #attempt(write: (connection: Connection) => unknown): WriteResult {
    const connection = this.#connection();
    if (connection === null) return 'trouble';
    try {
      write(connection);
      this.#recovered();
      return 'stored';
    } catch (error) {
      this.epoch += 1;
      if (SPOILED.test(sqliteCode(error)) || error instanceof TypeError) return 'spoiled';
      this.#fail(error);
      return 'trouble';
    }
  }

  /** One short step of the purge of old detail. */
  purgeStep(): void {
    if (this.error !== null || this.#open === null) return;
    try {
      this.#open.writer.tend('due');
      if (this.#open.purge.step(this.#believed.now())) this.epoch += 1;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Debuts, runs and days, for at most `ms` or one step; false when all is done. */
  settle(ms: number): boolean {
    if (this.error !== null || this.#open === null) return false;
    const started = performance.now();
    try {
      const { settling, debuts, days, busyDays } = this.#open;
      const nowMs = this.#believed.now();
      while (debuts.step() || settling.step() || days.step(nowMs) || busyDays.step()) {
        if (performance.now() - started >= ms) return true;
      }
    } catch (error) {
      this.#fail(error);
    }
    return false;
  }

  /** Runs `work` with what is known of baselines; false where there is no database just now. */
  baselines(work: (table: BaselineTable) => void): boolean {
    if (this.error !== null || this.#open === null) return false;
    try {
      work(this.#open.baselines);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** The next write tries at once, whatever happened before. */
  retryNow(): void {
    this.#retryAt = 0;
  }

  /** Leaves one file without a log beside it, which anybody who may read it can open. */
  close(): void {
    try {
      this.#open?.writer.tend('end');
      this.#open?.db.pragma('journal_mode = DELETE');
    } catch {
      // Somebody reads just now. The log is complete by itself; the next start takes it in.
    }
    this.#disconnect();
  }

  #connection(): Connection | null {
    if (this.#open !== null) return this.isResting ? null : this.#open;
    if (this.#refused || this.isResting) return null;
    try {
      this.#connect();
    } catch (error) {
      this.#fail(error);
    }
    return this.#open;
  }

  #connect(): void {
    const { path, retentionMs, now, notice, open, names } = this.#settings;
    const { db, setAside: aside } = open(path, now());
    if (aside !== null) notice('error', corruptText(path, aside));
    const workloadDays = new WorkloadDays(db);
    const writer = new Writer(db, { ...this.#settings, days: workloadDays });
    const findings = new FindingRows(db, names);
    const ledgers = new LedgerRows(db);
    const answers = new AnswerRows(db, this.#settings.answers);
    const purge = new Purge(db, retentionMs, (nowMs) => {
      ledgers.purge(Math.floor(nowMs / 1000));
      const isMore = answers.purge(nowMs - retentionMs);
      return findings.purge(nowMs - retentionMs) || isMore;
    });
    const bindings = new BindingRows(db, this.#settings.meanwhile);
    const baselines = new BaselineTable(db);
    const uses = new RuleUseRows(db);
    const settling = new Settling(db);
    const debuts = new Debuts(db);
    const rows = { writer, findings, ledgers, baselines, bindings, answers, uses };
    const days = new DaySettling(db, workloadDays);
    const busyDays = new BusyDays(db);
    this.#open = { db, ...rows, purge, settling, debuts, days, busyDays };
  }

  #fail(error: unknown): void {
    const { path, now, notice } = this.#settings;
    if (isCorrupt(error) && this.#open !== null) {
      this.#replaceCorrupt();
      return;
    }
    const text = describeTrouble(path, error);
    if (this.error === null) notice('error', `${text}; rows are kept in memory`);
    this.error = text;
    this.#refused = error instanceof DnsvalveError;
    this.#retryAt = now() + RETRY_MS;
    // A full or busy disk needs no new connection; after anything else the old one is not trusted.
    if (!/^SQLITE_(FULL|BUSY)/.test(sqliteCode(error))) this.#disconnect();
  }

  /** Found while running. The rows in hand go to the new file with the next write. */
  #replaceCorrupt(): void {
    const { path, now, notice } = this.#settings;
    this.#disconnect();
    try {
      notice('error', corruptText(path, setAside(path, now())));
      this.#connect();
    } catch (error) {
      this.#fail(error);
    }
  }

  #recovered(): void {
    if (this.error === null) return;
    this.error = null;
    this.#settings.notice('info', `history ${this.#settings.path}: written again`);
  }

  #disconnect(): void {
    this.epoch += 1;
    this.#rowsBefore = this.rowsWritten;
    this.#firstSeenBefore = this.firstSeen;
    const open = this.#open;
    this.#open = null;
    try {
      open?.db.close();
    } catch {
      // Nothing can be done about a handle that does not close.
    }
  }
}

function corruptText(path: string, aside: string): string {
  return `history ${path}: corrupt; set aside as ${aside}, starting empty`;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
