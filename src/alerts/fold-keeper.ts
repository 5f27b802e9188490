/**
 * FoldKeeper: open windows survive a restart. They are saved every few seconds and at the end; what
 * went out after the last save is in the journal, so kill -9 costs the repeats that were counted
 * since, and tells no window twice.
 */

import { messageOf } from '../errors.ts';
import type { Fold } from './fold.ts';
import { readFolds, writeFolds } from './fold-file.ts';
import type { Journal } from './journal.ts';
import type { Report } from './sinks/sink.ts';

const SAVE_MS = 5_000;
/** A save that takes long is followed by a pause of so many times that. */
const REST = 20;

export interface FoldKeeperOptions {
  readonly path: string;
  readonly fold: Fold;
  readonly journal: Journal;
  readonly report: Report;
}

export class FoldKeeper {
  readonly #options: FoldKeeperOptions;
  #saving: Promise<boolean> | null = null;
  #nextMs = 0;
  #isEmpty = true;
  #isFailing = false;

  constructor(options: FoldKeeperOptions) {
    this.#options = options;
  }

  /** Opens what an earlier run left, in a window of `windowMs`. */
  restore(nowMs: number, windowMs: number): void {
    const { path, fold, journal, report } = this.#options;
    try {
      const saved = readFolds(path);
      fold.restore(saved?.windows ?? []);
      this.#isEmpty = fold.size === 0;
      for (const { alert, at } of journal.writtenBefore(saved?.sequence ?? 0, nowMs - windowMs)) {
        fold.recall(alert, at);
      }
    } catch (error) {
      report(`alert windows: ${messageOf(error)}; repeats are told anew`);
    }
  }

  /** Once a second. */
  tick(): void {
    if (this.#saving === null && performance.now() >= this.#nextMs) void this.save();
  }

  /** Whether what is open now is on the disk. */
  async save(): Promise<boolean> {
    await this.#saving;
    if (this.#isEmpty && this.#options.fold.size === 0) return true;
    this.#saving = this.#write();
    const isSaved = await this.#saving;
    this.#saving = null;
    return isSaved;
  }

  async #write(): Promise<boolean> {
    const { path, fold, journal, report } = this.#options;
    const startMs = performance.now();
    const isEmpty = fold.size === 0;
    try {
      await writeFolds(path, journal.last, fold.windows());
      this.#isEmpty = isEmpty;
      this.#isFailing = false;
      return true;
    } catch (error) {
      if (!this.#isFailing) report(`alert windows: ${messageOf(error)}`);
      this.#isFailing = true;
      return false;
    } finally {
      const endMs = performance.now();
      this.#nextMs = endMs + Math.max(SAVE_MS, (endMs - startMs) * REST);
    }
  }
}
