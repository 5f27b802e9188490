/** How accounts live through reloads and restarts: none is ever fresh that was used. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DOUBLE_GRANTED,
  DOUBLE_OUT,
  DOUBLE_OUT_CELLS,
  DOUBLE_TOTAL,
  ROW_WORDS,
} from '../../src/detect/account-row.ts';
import { Accounts, cellAt } from '../../src/detect/accounts.ts';
import { AccountsKeeper } from '../../src/detect/accounts-keeper.ts';
import { type BudgetedRule, compileBudgets } from '../../src/detect/budget-compile.ts';
import type { BudgetsMemory } from '../../src/detect/budgets.ts';
import { UNITS_PER_OCTET } from '../../src/detect/code-lengths.ts';
import { createAccounts } from '../../src/detect/create.ts';
import { config, entry } from '../policy/support.ts';

const HOUR = 3_600_000;
const LIMIT = 1000 * UNITS_PER_OCTET;

let folder = '';
let wallMs = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dnsvalve-accounts-'));
  wallMs = 1_700_000_000_000;
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Budgets of 1 kB/h on these patterns of one workload, each its own account. */
function budgetsOf(...patterns: readonly string[]): BudgetsMemory {
  const budget = { bytes: 1000, windowMs: HOUR, action: 'deny', text: '1kB/h' } as const;
  const rules = patterns.map(
    (text, i): BudgetedRule => ({ id: i + 1, entry: { ...entry(text), budget }, workloads: [1] }),
  );
  return compileBudgets(config({ workloads: [{ name: 'app' }] }), rules);
}

/** One run of the program. */
class Run {
  readonly memory = createAccounts();
  readonly accounts = new Accounts(this.memory, 1);
  readonly notices: string[] = [];
  upMs = 0;
  readonly keeper = new AccountsKeeper({
    path: join(folder, 'state', 'budgets.json'),
    memory: this.memory,
    sharedMs: () => this.memory.startMs + this.upMs,
    wallMs: () => wallMs,
    onNotice: (_, message) => this.notices.push(message),
  });

  static async start(...budgets: readonly BudgetsMemory[]): Promise<Run> {
    const run = new Run();
    await run.keeper.open();
    for (const one of budgets) await run.keeper.assign(one);
    return run;
  }

  pass(ms: number): void {
    this.upMs += ms;
    wallMs += ms;
  }

  spend(row: number, units: number): void {
    this.advance(row);
    this.accounts.add(row, DOUBLE_OUT, DOUBLE_OUT_CELLS, units);
    this.accounts.addTotal(row, units);
  }

  used(row: number): number {
    this.advance(row);
    return this.accounts.used(row, DOUBLE_OUT);
  }

  advance(row: number): void {
    const cell = cellAt(this.upMs, HOUR / 60);
    this.accounts.advance(row, DOUBLE_OUT, DOUBLE_OUT_CELLS, cell);
  }

  left(row: number): number {
    const { doubles } = this.accounts.rows;
    const at = (row * ROW_WORDS) / 2;
    return (doubles[at + DOUBLE_GRANTED] ?? 0) - (doubles[at + DOUBLE_TOTAL] ?? 0);
  }
}

describe('rows', () => {
  it('each account has one of its own, and half of its limit ahead', async () => {
    const budgets = budgetsOf('*.a.example', '*.b.example');
    const run = await Run.start(budgets);
    const [first = -1, second = -1] = budgets.rows;
    expect(new Set([first, second, -1]).size).toBe(3);
    expect(run.left(first)).toBe(LIMIT / 2);
    await run.keeper.close();
  });

  it('a rule that a reload moves, or leaves out for a while, keeps its account', async () => {
    const run = await Run.start(budgetsOf('*.a.example'));
    run.spend(0, 700);
    const moved = budgetsOf('*.b.example', '*.a.example');
    await run.keeper.assign(moved);
    expect(run.used(moved.rows[1] ?? -1)).toBe(700);
    for (let i = 0; i < 3; i++) await run.keeper.assign(budgetsOf('*.b.example'));
    const back = budgetsOf('*.a.example');
    await run.keeper.assign(back);
    expect(run.used(back.rows[0] ?? -1)).toBe(700);
    await run.keeper.close();
  });

  it('a row is given to another rule only when its own is gone and its window over', async () => {
    const run = await Run.start(budgetsOf('*.a.example'));
    const row = 0; // the first that is given out
    run.spend(row, 700);
    await run.keeper.assign(budgetsOf());
    await run.keeper.assign(budgetsOf());
    const early = budgetsOf('*.b.example');
    await run.keeper.assign(early);
    expect(early.rows[0]).not.toBe(row);
    run.pass(HOUR + 2 * (HOUR / 60));
    await run.keeper.assign(budgetsOf());
    await run.keeper.assign(budgetsOf());
    const late = budgetsOf('*.c.example', '*.d.example');
    await run.keeper.assign(late);
    expect([...late.rows]).toContain(row);
    expect(run.used(row)).toBe(0);
    await run.keeper.close();
  });
});

describe('a restart', () => {
  async function first(spent: readonly number[]): Promise<Run> {
    const run = await Run.start(budgetsOf('*.a.example'));
    for (const units of spent) {
      run.spend(0, units);
      run.pass(10 * 60_000);
    }
    return run;
  }

  async function second(): Promise<{ run: Run; row: number }> {
    const budgets = budgetsOf('*.a.example');
    const run = await Run.start(budgets);
    return { run, row: budgets.rows[0] ?? -1 };
  }

  it('in good order charges what was charged, each at its age', async () => {
    await (await first([100, 200])).keeper.close();
    wallMs += 20 * 60_000;
    const { run, row } = await second();
    expect(run.used(row)).toBe(300);
    // 20 minutes of the first run, 20 of rest: the first 100 leave the window after 20 more.
    run.pass(21 * 60_000);
    expect(run.used(row)).toBe(200);
    run.pass(10 * 60_000);
    expect(run.used(row)).toBe(0);
    await run.keeper.close();
  });

  it('later than the window charges nothing', async () => {
    await (await first([100, 200])).keeper.close();
    wallMs += HOUR + 61_000;
    const { run, row } = await second();
    expect(run.used(row)).toBe(0);
    await run.keeper.close();
  });

  it('after the clock was set back counts no time in between', async () => {
    await (await first([100])).keeper.close();
    wallMs -= 100 * HOUR;
    const { run, row } = await second();
    expect(run.used(row)).toBe(100);
    await run.keeper.close();
  });

  it('after a crash charges all that was granted, whatever was used of it', async () => {
    const run = await first([]);
    run.spend(0, 300);
    const { run: next, row } = await second();
    expect(next.used(row)).toBeGreaterThanOrEqual(300);
    expect(next.used(row)).toBe(LIMIT / 2);
    await next.keeper.close();
    await run.keeper.close();
  });

  it('after crash upon crash the budget is used up', async () => {
    for (let i = 0; i < 2; i++) await second();
    const { run, row } = await second();
    expect(run.used(row)).toBe(LIMIT);
    await run.keeper.close();
  });

  it('with a file that is none starts used up, and says so', async () => {
    await (await first([])).keeper.close();
    writeFileSync(join(folder, 'state', 'budgets.json'), '{"version":1}');
    const { run, row } = await second();
    expect(run.used(row)).toBe(LIMIT);
    expect(run.notices).toHaveLength(1);
    expect(run.notices[0]).toContain('budgets start used up');
    await run.keeper.close();
  });
});

it('where the file cannot be written nothing is granted, and it is said', async () => {
  writeFileSync(join(folder, 'state'), 'a file where the folder should be');
  const budgets = budgetsOf('*.a.example');
  const run = await Run.start(budgets);
  expect(run.left(budgets.rows[0] ?? -1)).toBe(0);
  expect(run.notices.join('\n')).toContain('no budget is granted');
  await run.keeper.close();
});

it('more accounts than are kept are refused with the configuration', () => {
  const patterns = Array.from({ length: 8193 }, (_, i) => `*.n${i}.example`);
  expect(() => budgetsOf(...patterns)).toThrow('8193 accounts');
});
