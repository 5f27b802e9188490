/**
 * The file that carries accounts over a restart: one JSON document, replaced as a whole.
 *
 * What it says is never less than what left: of each account the cells of its windows, and `ahead`,
 * what the workers may charge until it is written again. Units are those of code-lengths.ts.
 */

import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const cells = z.array(z.tuple([z.int().min(0), z.number().min(0)]));

const schema = z.strictObject({
  version: z.literal(1),
  /** Wall clock, ms. */
  saved_at: z.number(),
  accounts: z.array(
    z.strictObject({
      /** `accountKey` of budget-compile.ts. */
      key: z.string(),
      cell_ms: z.number().min(1),
      /** Cells from the newest (0) on, with units in them. */
      out: cells,
      in: cells,
      ahead: z.number().min(0),
    }),
  ),
});

export type SavedAccounts = z.output<typeof schema>;
export type SavedAccount = SavedAccounts['accounts'][number];
export type SavedCells = SavedAccount['out'];

/** @returns null when there is none yet; @throws Error when it cannot be read or is no such file */
export async function readAccounts(path: string): Promise<SavedAccounts | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return schema.parse(JSON.parse(text));
}

/** Resolves when the file is on the disk, whole. */
export async function writeAccounts(path: string, saved: SavedAccounts): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(saved));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}
