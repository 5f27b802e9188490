/**
 * Meters: main's side of what the workers count. It makes their cells, adds them up, and gives each
 * workload a row that stays the same however often its number changes.
 */

import type { WorkloadsMemory } from '../identity/workloads.ts';
import { Texts } from '../policy/texts.ts';
import { AT_SLOTS, createMeter, METER_CELLS, SLOT_CELLS, SLOT_OTHERS } from './meter.ts';

/** What the workloads share for which there was no row. */
const OTHERS_NAME = '(others)';

export class Meters {
  /** By the index of the worker. */
  readonly #cells: Float64Array[] = [];
  /** Counts of workers that died, so that totals never go back. */
  readonly #buried = new Float64Array(METER_CELLS);
  #slots = new Map<string, number>();
  /** Used before, and of no workload since the load before this one: no worker counts there. */
  #free: number[] = [];
  #unused = 0;

  /** Cells for a worker that is about to start; those of its predecessor are kept in the totals. */
  open(index: number): Float64Array {
    const before = this.#cells[index];
    if (before !== undefined) add(this.#buried, before);
    const cells = createMeter();
    this.#cells[index] = cells;
    return cells;
  }

  /** Gives every workload of a configuration its row, before any worker sees the tables. */
  assign(workloads: WorkloadsMemory): void {
    const names = new Texts(workloads.names);
    const slots = new Map<string, number>();
    for (let workload = 0; workload < workloads.count; workload++) {
      const name = names.text(workload + 1);
      const slot = this.#slots.get(name) ?? this.#take();
      workloads.slot[workload] = slot;
      if (slot !== SLOT_OTHERS) slots.set(name, slot);
    }
    const gone = [...this.#slots].filter(([name]) => !slots.has(name));
    this.#free.push(...gone.map(([, slot]) => slot));
    this.#slots = slots;
  }

  /** Rows by the name of the workload. */
  get slots(): ReadonlyMap<string, number> {
    return new Map([...this.#slots, [OTHERS_NAME, SLOT_OTHERS]]);
  }

  /** Cells of meter.ts, summed over the workers. */
  totals(): Float64Array {
    const totals = Float64Array.from(this.#buried);
    for (const cells of this.#cells) add(totals, cells);
    return totals;
  }

  #take(): number {
    if (this.#unused < SLOT_OTHERS) return this.#unused++;
    const slot = this.#free.shift();
    if (slot === undefined) return SLOT_OTHERS;
    const at = AT_SLOTS + slot * SLOT_CELLS;
    for (const cells of [this.#buried, ...this.#cells]) cells.fill(0, at, at + SLOT_CELLS);
    return slot;
  }
}

function add(sums: Float64Array, cells: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (cells[i] ?? 0);
}
