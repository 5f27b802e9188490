/**
 * Appending to the log on disk. It is opened anew for every act, of which there are few: a log that
 * was moved, cut or written by somebody else is noticed at the next act, and said in the log
 * itself, because what the writer does not say the next head would hide.
 */

import { fstatSync, readSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unseal } from '../seal.ts';
import { readHead } from './head.ts';
import { type Act, type AuditRecord, auditRecord, type Link, sealRecord } from './record.ts';

const MODE = 0o640;
const NEWLINE = 10; // '\n'
/** The end of the log that is read; several times the longest record. */
const TAIL = 1 << 17;
/** Of a torn end, so much is kept in the note, characters. */
const TORN_SHOWN = 2048;

export interface TimedAct {
  readonly act: Act;
  readonly atMs: number;
}

export interface Appended {
  /** Null where nothing was to be written. */
  readonly last: Link | null;
  /** No head was there. */
  readonly isFirst: boolean;
}

/** Where the log ends. */
interface Tail {
  /** Octets up to the last line feed. */
  readonly size: number;
  /** What follows it: a record that was not written whole. */
  readonly torn: Buffer;
  /** Records before it, the last one last; null for a line that is no intact record. */
  readonly records: readonly (AuditRecord | null)[];
}

const SELF = { via: 'process', uid: process.getuid?.() ?? null, pid: process.pid } as const;

/**
 * Appends the acts. They are on the disk when it resolves, and the head is to follow: a log that
 * ends after its head is whole.
 *
 * Every step that leaves the thread is waited for in a queue when processors are short, so what the
 * page cache answers is asked at once, and three steps are left: open, write, sync.
 *
 * @returns the last record, for the head
 * @throws what the file system says; then none of them is in the log
 */
export async function append(path: string, acts: readonly TimedAct[]): Promise<Appended> {
  const file = await openLog(path);
  try {
    const tail = tailOf(file);
    const head = readHead(path);
    const { after, notes } = continued(head, tail);
    const atMs = acts[0]?.atMs ?? 0;
    const all = [...notes.map((act) => ({ act, atMs })), ...acts];
    let last: Link | null = after;
    let text = '';
    for (const { act, atMs: ms } of all) {
      const { line, seq, sha256 } = sealRecord(last, act, ms);
      last = { seq, sha256 };
      text += `${line}\n`;
    }
    await write(file, text, tail);
    return { last, isFirst: head === null };
  } finally {
    // Nothing is left to be written, and nobody needs to wait for it.
    void file.close().catch(() => {});
  }
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a+', MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await makeDirectory(dirname(path));
    return open(path, 'a+', MODE);
  }
}

/** Node's own recursive form never returns where a parent cannot be made (`/proc/none`). */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
}

/** All of it or nothing: half a record would be taken for one that a crash left. */
async function write(file: FileHandle, text: string, { size, torn }: Tail): Promise<void> {
  try {
    if (torn.length > 0) await file.truncate(size);
    await file.appendFile(text);
    await file.sync();
  } catch (error) {
    await file.truncate(size).catch(() => {});
    throw error;
  }
}

function tailOf({ fd }: FileHandle): Tail {
  const { size } = fstatSync(fd);
  const start = Math.max(0, size - TAIL);
  const octets = Buffer.alloc(size - start);
  const read = octets.subarray(0, readSync(fd, octets, 0, octets.length, start));
  const end = read.lastIndexOf(NEWLINE) + 1;
  // The first line may be the end of one that starts before: it is no record then, and not the
  // last one, because no record is as long.
  const lines = read.toString('latin1', 0, end).split('\n').slice(0, -1);
  const records = lines.map((line) => intactRecord(Buffer.from(line, 'latin1')));
  return { size: start + end, torn: read.subarray(end), records };
}

function intactRecord(line: Buffer): AuditRecord | null {
  const unsealed = unseal(line);
  return unsealed?.isIntact === true ? auditRecord(unsealed) : null;
}

/** The record to go on from, and what there is to say about what was found. */
function continued(
  head: Link | null,
  { size, torn, records }: Tail,
): { after: Link | null; notes: Act[] } {
  const notes: Act[] = [];
  const note = (act: 'mended' | 'gap', details: Act['details']): void => {
    notes.push({ act, by: SELF, details });
  };
  const last = records.at(-1) ?? null;
  if (size > 0 || head !== null) {
    if (!isContinuous(records, head)) note('gap', { head: linkOf(head), log: linkOf(last) });
  }
  if (torn.length > 0) {
    const text = torn.toString('latin1', 0, TORN_SHOWN);
    note('mended', { octets: torn.length, text });
  }
  // What the head knows of was there: a log that ends before it does not get its numbers again.
  const isHeadAhead = head !== null && head.seq > (last?.seq ?? 0);
  return { after: isHeadAhead ? linkOf(head) : linkOf(last), notes };
}

/**
 * Whether the head is the last record, or one that the records after it follow: the machine may
 * have stopped between the log and its head.
 */
function isContinuous(records: readonly (AuditRecord | null)[], head: Link | null): boolean {
  const last = records.at(-1) ?? null;
  if (last === null) return false;
  if (head === null) return last.seq === 1;
  let link: Link = head;
  for (const record of records) {
    if (record === null || record.seq < head.seq) continue;
    const isHead = record.seq === head.seq && record.sha256 === head.sha256;
    const isNext = record.seq === link.seq + 1 && record.previous === link.sha256;
    if (!isHead && !isNext) return false;
    link = record;
  }
  return link.sha256 === last.sha256;
}

function linkOf(link: Link | null): Link | null {
  return link === null ? null : { seq: link.seq, sha256: link.sha256 };
}
