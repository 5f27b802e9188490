/** Entry of the thread that server/retro.ts starts: one job, one message back, and it ends. */

import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Feed } from '../config/types.ts';
import { HistoryQueries } from '../history/queries.ts';
import { openForReading } from '../history/reader.ts';
import { BUILDER_NICE, standBack } from '../priority.ts';
import { LastGood } from '../reputation/last-good.ts';
import type { RetroJob } from '../server/retro.ts';
import { setHashKey } from '../wire/hash.ts';
import { retroHunt } from './retro.ts';

standBack(BUILDER_NICE);
const { path, stateDirectory, key, before, after, feeds } = workerData as RetroJob;
setHashKey(key.k0, key.k1);
const copies = new LastGood(stateDirectory);
const db = openForReading(path);
try {
  const past = { db, queries: new HistoryQueries(db) };
  parentPort?.postMessage(await retroHunt(past, { before, after, feeds, read }));
} finally {
  db.close();
}

/** What cannot be read now was read a moment ago: the next refresh says why it cannot. */
async function read({ name, source }: Feed): Promise<Uint8Array | null> {
  if (source.kind === 'inline') return new TextEncoder().encode(source.entries.join('\n'));
  if (source.kind === 'url') return copies.read(name, source.url);
  return readFile(source.path).catch(() => null);
}
