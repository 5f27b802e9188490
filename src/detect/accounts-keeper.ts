/**
 * Accounts as main keeps them: it gives every (workload, rule) with a budget its row, and sees to
 * it that what was charged outlives the program. Slow lane.
 *
 * A row is given up only when its rule is gone and its window is over, so a reload never makes a
 * used budget fresh. Over a restart the bound holds by a promise written ahead: workers charge an
 * account only up to what the disk knows of (`granted`), half the limit beyond what was charged.
 * After an orderly end nothing is lost and nothing is added; after a crash what was granted counts
 * as charged, so that budgets start at least half used. Where the file cannot be written, no more
 * is granted; where it cannot be read, every budget starts used up (fail closed).
 */

import { messageOf } from '../errors.ts';
import { Texts } from '../policy/texts.ts';
import {
  AccountRows,
  CELLS,
  CELLS_PER_WINDOW,
  DOUBLE_GRANTED,
  DOUBLE_IN,
  DOUBLE_IN_CELLS,
  DOUBLE_OUT,
  DOUBLE_OUT_CELLS,
  DOUBLE_TOTAL,
  ROW_WORDS,
  WINDOW_CELL,
  WINDOW_USED,
} from './account-row.ts';
import { ACCOUNTS_MAX, type AccountsMemory, cellAt } from './accounts.ts';
import {
  readAccounts,
  type SavedAccount,
  type SavedAccounts,
  type SavedCells,
  writeAccounts,
} from './accounts-file.ts';
import type { BudgetsMemory } from './budgets.ts';
import { UNITS_PER_OCTET } from './code-lengths.ts';

/** Written when a grant is this far used, looked at so often. */
const WRITE_SHARE = 1 / 4;
const LOOK_MS = 250;

/** A window in a row: the double it starts at, and those of its cells. */
const OUT = { window: DOUBLE_OUT, cells: DOUBLE_OUT_CELLS };
const IN = { window: DOUBLE_IN, cells: DOUBLE_IN_CELLS };

interface Kept {
  readonly row: number;
  cellMs: number;
  /** Units granted ahead: half the limit. */
  ahead: number;
  /** The configuration in force, or the one before it, has it. */
  isUsed: boolean;
}

export interface KeeperOptions {
  readonly path: string;
  readonly memory: AccountsMemory;
  /** Milliseconds of the shared monotonic clock, and of the wall clock. */
  sharedMs(): number;
  wallMs(): number;
  onNotice(level: 'warn' | 'error', message: string): void;
}

/** Of one (workload, entry); bytes within the window. */
export interface BudgetStatus {
  readonly workload: string;
  /** The pattern of the entry. */
  readonly name: string;
  readonly limit: number;
  readonly seconds: number;
  readonly action: 'alert' | 'deny';
  /** Charged for names, and for the data of answers. */
  readonly used: number;
  readonly answers: number;
}

export class AccountsKeeper {
  readonly #options: KeeperOptions;
  readonly #rows: AccountRows;
  readonly #kept = new Map<string, Kept>();
  readonly #free: number[] = Array.from({ length: ACCOUNTS_MAX }, (_, i) => ACCOUNTS_MAX - 1 - i);
  #isUnreadable = false;
  #isFailing = false;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#rows = new AccountRows(options.memory.words);
  }

  /** Takes over what an earlier run left. Before any query. */
  async open(): Promise<void> {
    const { path, onNotice } = this.#options;
    try {
      const saved = await readAccounts(path);
      if (saved !== null) this.#restore(saved);
    } catch (error) {
      this.#isUnreadable = true;
      onNotice('error', `${path}: ${messageOf(error)}; budgets start used up`);
    }
  }

  /** Gives the accounts of a configuration their rows, and the disk word of them. */
  async assign(budgets: BudgetsMemory): Promise<void> {
    const keys = new Texts(budgets.keys);
    const now = new Set(budgets.rows.keys().map((account) => keys.text(account + 1)));
    this.#release(now);
    for (const { account, budget } of eachAccount(budgets)) {
      budgets.rows[account] = this.#keep(keys.text(account + 1), budgets, budget);
    }
    for (const [key, kept] of this.#kept) kept.isUsed = now.has(key);
    if (this.#kept.size === 0) return;
    await this.#write(false);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** The last word, after the workers have ended: nothing is granted any more. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#kept.size > 0) await this.#write(true);
  }

  /** What is used of each budget of a configuration, of those that are used at all. */
  statuses(budgets: BudgetsMemory): BudgetStatus[] {
    const keys = new Texts(budgets.keys);
    return eachAccount(budgets).flatMap(({ account, budget }) => {
      const key = keys.text(account + 1);
      const kept = this.#kept.get(key);
      if (kept === undefined) return [];
      const [workload = '', name = ''] = JSON.parse(key) as string[];
      const used = bytesOf(this.#cells(kept, OUT));
      const answers = bytesOf(this.#cells(kept, IN));
      if (used === 0 && answers === 0) return [];
      const limit = Math.floor((budgets.limit[budget] ?? 0) / UNITS_PER_OCTET);
      const seconds = budgets.seconds[budget] ?? 0;
      const action = budgets.isAlert[budget] === 1 ? 'alert' : 'deny';
      return [{ workload, name, limit, seconds, action, used, answers }];
    });
  }

  #keep(key: string, { limit, cellMs }: BudgetsMemory, budget: number): number {
    const ahead = (limit[budget] ?? 0) / 2;
    const known = this.#kept.get(key);
    if (known !== undefined) {
      known.ahead = known.isUsed ? Math.max(known.ahead, ahead) : ahead;
      return known.row;
    }
    const row = this.#free.pop();
    if (row === undefined) {
      this.#options.onNotice('error', `no room for the account of ${key}; its names are denied`);
      return -1;
    }
    const kept = { row, cellMs: cellMs[budget] ?? 1, ahead, isUsed: true };
    this.#kept.set(key, kept);
    if (this.#isUnreadable) this.#put(kept, OUT, [[0, limit[budget] ?? 0]]);
    return row;
  }

  /** Rows of rules that neither this configuration nor the last has, once nothing is in them. */
  #release(now: ReadonlySet<string>): void {
    for (const [key, kept] of this.#kept) {
      if (kept.isUsed || now.has(key)) continue;
      if (this.#cells(kept, OUT).length > 0 || this.#cells(kept, IN).length > 0) continue;
      this.#rows.words.fill(0, kept.row * ROW_WORDS, (kept.row + 1) * ROW_WORDS);
      this.#free.push(kept.row);
      this.#kept.delete(key);
    }
  }

  #look(): void {
    if (this.#isWriting) return;
    for (const { row, ahead } of this.#kept.values()) {
      const at = (row * ROW_WORDS) / 2;
      const { doubles } = this.#rows;
      const left = (doubles[at + DOUBLE_GRANTED] ?? 0) - (doubles[at + DOUBLE_TOTAL] ?? 0);
      if (left >= ahead * (1 - WRITE_SHARE)) continue;
      void this.#write(false);
      return;
    }
  }

  #write(isLast: boolean): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeNow(isLast));
    return this.#writing;
  }

  async #writeNow(isLast: boolean): Promise<void> {
    const { path, wallMs, onNotice } = this.#options;
    this.#isWriting = true;
    const grants: [at: number, granted: number][] = [];
    const accounts = [...this.#kept].map(([key, kept]): SavedAccount => {
      const at = (kept.row * ROW_WORDS) / 2;
      // The total first: what is charged from now on is in `ahead`, and in the cells as well.
      const total = this.#rows.doubles[at + DOUBLE_TOTAL] ?? 0;
      grants.push([at + DOUBLE_GRANTED, total + kept.ahead]);
      // A grant that a lower limit takes back may be used until then.
      const granted = (this.#rows.doubles[at + DOUBLE_GRANTED] ?? 0) - total;
      const ahead = isLast ? 0 : Math.max(kept.ahead, granted);
      const windows = { out: this.#cells(kept, OUT), in: this.#cells(kept, IN) };
      return { key, cell_ms: kept.cellMs, ...windows, ahead };
    });
    try {
      await writeAccounts(path, { version: 1, saved_at: wallMs(), accounts });
      if (!isLast) for (const [at, granted] of grants) this.#rows.doubles[at] = granted;
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) onNotice('error', `${path}: ${messageOf(error)}; no budget is granted`);
      this.#isFailing = true;
    }
    this.#isWriting = false;
  }

  /** Cells that are in the window now and hold something, by their age in cells. */
  #cells(kept: Kept, { window, cells }: typeof OUT): SavedCells {
    const { doubles } = this.#rows;
    const at = (kept.row * ROW_WORDS) / 2;
    const now = this.#now(kept.cellMs);
    for (;;) {
      const newest = doubles[at + window + WINDOW_CELL] ?? 0;
      const found: SavedCells = [];
      for (let back = 0; back <= CELLS_PER_WINDOW; back++) {
        const units = doubles[at + cells + ((newest - back) & (CELLS - 1))] ?? 0;
        const age = Math.max(0, now - newest + back);
        if (units > 0 && age <= CELLS_PER_WINDOW) found.push([age, units]);
      }
      // A worker that went on to the next cell meanwhile has moved them all.
      if (doubles[at + window + WINDOW_CELL] === newest) return found;
    }
  }

  #now(cellMs: number): number {
    const { memory, sharedMs } = this.#options;
    return cellAt(Math.max(0, sharedMs() - memory.startMs), cellMs);
  }

  #restore({ saved_at: savedAt, accounts }: SavedAccounts): void {
    // A wall clock that was set back in between counts as no time at all.
    const awayMs = Math.max(0, this.#options.wallMs() - savedAt);
    for (const saved of accounts) {
      const row = this.#free.pop();
      if (row === undefined) return;
      const kept: Kept = { row, cellMs: saved.cell_ms, ahead: saved.ahead, isUsed: false };
      this.#kept.set(saved.key, kept);
      const away = Math.floor(awayMs / saved.cell_ms);
      const older = (cells: SavedCells): SavedCells =>
        cells
          .map(([age, units]): SavedCells[number] => [age + away, units])
          .filter(([age]) => age <= CELLS_PER_WINDOW);
      const unknown = saved.ahead > 0 ? older([[0, saved.ahead]]) : [];
      this.#put(kept, OUT, [...older(saved.out), ...unknown]);
      this.#put(kept, IN, older(saved.in));
    }
  }

  #put({ row, cellMs }: Kept, { window, cells }: typeof OUT, put: SavedCells): void {
    const { doubles } = this.#rows;
    const at = (row * ROW_WORDS) / 2;
    const newest = this.#now(cellMs);
    doubles[at + window + WINDOW_CELL] = newest;
    for (const [age, units] of put) {
      const slot = at + cells + ((newest - age) & (CELLS - 1));
      doubles[slot] = (doubles[slot] ?? 0) + units;
      doubles[at + window + WINDOW_USED] = (doubles[at + window + WINDOW_USED] ?? 0) + units;
    }
  }
}

/** Accounts stand in the order of their budgets. */
function eachAccount({ first, rows }: BudgetsMemory): { account: number; budget: number }[] {
  let budget = 1;
  return [...rows.keys()].map((account) => {
    while (budget + 1 < first.length && (first[budget + 1] ?? 0) <= account) budget++;
    return { account, budget };
  });
}

function bytesOf(cells: SavedCells): number {
  return Math.ceil(cells.reduce((sum, [, units]) => sum + units, 0) / UNITS_PER_OCTET);
}
