/**
 * Storage: whether what belongs on the disk gets there, what waits in memory while it does not, and
 * what was lost. For `status`, and for whoever is to be told.
 */

import type { Book } from '../overrides/book.ts';
import type { Audited } from './audit.ts';
import type { Resolver } from './resolver.ts';

export interface StoreStatus {
  readonly name: string;
  /** Records in memory that are not on the disk yet. */
  readonly waiting: number;
  /** Records that were given up since the start. */
  readonly lost: number;
  /** Why nothing is written now; null where it is. */
  readonly error: string | null;
}

/** What is written. */
export interface Stores {
  readonly resolver: Pick<Resolver, 'recorderStats' | 'alerts'>;
  readonly book: Pick<Book, 'unsavedCount' | 'lastError'>;
  readonly audit: Pick<Audited, 'stats'>;
}

export function storesOf({ resolver, book, audit }: Stores): StoreStatus[] {
  const history = resolver.recorderStats;
  const { spool } = resolver.alerts.stats();
  const acts = audit.stats();
  return [
    {
      name: 'history',
      waiting: history?.queueDepth ?? 0,
      lost: history?.shed ?? 0,
      error: history?.error ?? null,
    },
    {
      name: 'exceptions and quarantines',
      waiting: book.unsavedCount,
      lost: 0, // each stays until it is written
      error: book.lastError,
    },
    { name: 'audit log', waiting: acts.pending, lost: acts.lost, error: acts.lastError },
    {
      name: 'alert journal',
      waiting: spool.unwritten,
      lost: spool.not_kept,
      error: spool.failing ? spool.last_error : null,
    },
  ];
}

/** Notices where one is not written, and where it is again. */
export class StorageWatch {
  readonly #tell: (store: string, reason: string) => void;
  readonly #troubled = new Set<string>();

  /** @param tell takes the name of a store and what is to be said of it */
  constructor(tell: (store: string, reason: string) => void) {
    this.#tell = tell;
  }

  /** Tells of each that is not written, at every look, and once of one that is again. */
  look(stores: readonly StoreStatus[]): void {
    for (const { name, waiting, lost, error } of stores) {
      const counts = `${lost} records were given up since the start`;
      if (error !== null) {
        this.#troubled.add(name);
        this.#tell(name, `${error}; ${waiting} records wait in memory, ${counts}`);
      } else if (this.#troubled.delete(name)) {
        this.#tell(name, `it is written again; ${counts}`);
      }
    }
  }
}
