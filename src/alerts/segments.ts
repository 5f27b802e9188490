/**
 * Segments: the files of the journal, oldest first. Appends to the newest, drops the oldest beyond
 * the bound, reads any. Only the journal calls it, one append or drop at a time.
 *
 * A write that fails half way leaves a torn line; the next append cuts the file back to its last
 * whole line first, which needs no space.
 */

import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { firstOf, type JournalRecord, recordsIn, segmentName } from './record.ts';

/** Alerts tell what people do: readable by the owner and the group only. */
const FILE_MODE = 0o640;
const DIRECTORY_MODE = 0o750;
/** A segment is read, parsed and dropped whole. */
const SEGMENT_MAX = 1024 * 1024;
const SEGMENT_MIN = 16 * 1024;
/** The bound in bytes is kept to within one of so many parts. */
const PARTS = 16;
/** The bound in age likewise. */
const AGE_PARTS = 8;

export interface Bounds {
  readonly sizeBytes: number;
  readonly ageMs: number;
}

export interface Segment {
  readonly first: number;
  /** Sequence of the last record; `first - 1` while there is none. */
  last: number;
  bytes: number;
  /** Wall clock of the first and of the last append, ms. */
  firstMs: number;
  lastMs: number;
}

export class Segments {
  readonly #directory: string;
  #bounds: Bounds;
  readonly #list: Segment[] = [];
  #file: FileHandle | null = null;
  /** The newest file may end in a line that is not whole. */
  #isTorn = false;
  /** The newest file took no cut. */
  #isDead = false;

  constructor(directory: string, bounds: Bounds) {
    this.#directory = directory;
    this.#bounds = bounds;
  }

  /** Finds what earlier runs left, and mends the end of the newest file. @throws Error by fs */
  find(): void {
    mkdirSync(this.#directory, { recursive: true, mode: DIRECTORY_MODE });
    const firsts = readdirSync(this.#directory).flatMap((name) => firstOf(name) ?? []);
    firsts.sort((a, b) => a - b);
    for (const [index, first] of firsts.entries()) {
      const { size, mtimeMs } = statSync(this.#path(first));
      const last = (firsts[index + 1] ?? first) - 1;
      this.#list.push({ first, last, bytes: size, firstMs: mtimeMs, lastMs: mtimeMs });
    }
    const newest = this.#list.at(-1);
    if (newest !== undefined) mend(this.#path(newest.first), newest);
  }

  get all(): readonly Segment[] {
    return this.#list;
  }

  get bytes(): number {
    return this.#list.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  set bounds(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Appends `text`, whole lines, whose records are `first` to `last`. @throws Error by fs */
  async append(text: string, records: readonly JournalRecord[]): Promise<void> {
    const [first, last] = [records[0], records.at(-1)];
    if (first === undefined || last === undefined) return;
    const octets = Buffer.from(text);
    const segment = await this.#current(first, octets.length);
    const file = await this.#open(segment);
    this.#isTorn = true;
    await writeAll(file, octets, segment.bytes);
    this.#isTorn = false;
    segment.bytes += octets.length;
    segment.last = last.sequence;
    segment.lastMs = last.at;
  }

  /** Brings what was appended to the disk itself. @throws Error by fs */
  async sync(): Promise<void> {
    await this.#file?.datasync();
  }

  /** The oldest segment that the bounds do not allow for, if any; never the newest. */
  excess(nowMs: number): Segment | undefined {
    const [oldest] = this.#list;
    if (oldest === undefined || this.#list.length < 2) return undefined;
    const isOld = nowMs - oldest.lastMs > this.#bounds.ageMs;
    return isOld || this.bytes > this.#bounds.sizeBytes ? oldest : undefined;
  }

  /** Forgets the oldest segment at once, and removes its file. @throws Error by fs */
  async drop(segment: Segment): Promise<void> {
    this.#list.splice(this.#list.indexOf(segment), 1);
    await rm(this.#path(segment.first), { force: true });
  }

  /** Whole lines of one segment. @throws Error by fs */
  async read(segment: Segment): Promise<JournalRecord[]> {
    return recordsIn(await readFile(this.#path(segment.first), 'utf8'));
  }

  /** The same at once, for a start. @throws Error by fs */
  readNow(segment: Segment): JournalRecord[] {
    return recordsIn(readFileSync(this.#path(segment.first), 'utf8'));
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  /** The segment to append to; a new one when the newest is full or old. */
  async #current({ sequence, at }: JournalRecord, octets: number): Promise<Segment> {
    const newest = this.#list.at(-1);
    const isOver = this.#isDead && newest !== undefined && newest.bytes > 0;
    if (newest !== undefined && !isOver && !this.#isFull(newest, at, octets)) return newest;
    // Not waited for: it ends after what is brought to the disk.
    this.close().catch(() => {});
    const bounds = { firstMs: at, lastMs: at };
    const segment = { first: sequence, last: sequence - 1, bytes: 0, ...bounds };
    this.#isTorn = false;
    this.#isDead = false;
    this.#list.push(segment);
    return segment;
  }

  #isFull({ bytes, firstMs }: Segment, nowMs: number, octets: number): boolean {
    const { sizeBytes, ageMs } = this.#bounds;
    const max = Math.min(SEGMENT_MAX, Math.max(SEGMENT_MIN, Math.floor(sizeBytes / PARTS)));
    return bytes > 0 && (bytes + octets > max || nowMs - firstMs > ageMs / AGE_PARTS);
  }

  async #open({ first, bytes }: Segment): Promise<FileHandle> {
    if (this.#file === null) {
      await mkdir(this.#directory, { recursive: true, mode: DIRECTORY_MODE });
      this.#file = await open(this.#path(first), 'a', FILE_MODE);
    }
    if (this.#isTorn) await this.#cut(this.#file, bytes);
    return this.#file;
  }

  /**
   * A file that cannot be cut may never be written again (its disk was mounted anew): what comes
   * goes to a segment of its own. The torn line stays, and is read as none.
   */
  async #cut(file: FileHandle, bytes: number): Promise<void> {
    try {
      await file.truncate(bytes);
    } catch (error) {
      this.#isDead = true;
      this.close().catch(() => {});
      throw error;
    }
  }

  #path(first: number): string {
    return join(this.#directory, segmentName(first));
  }
}

/** Cuts off what a crash left after the last whole record, and notes which that is. */
function mend(path: string, segment: Segment): void {
  const octets = readFileSync(path);
  const end = octets.lastIndexOf(10 /* '\n' */) + 1;
  if (end < octets.length) truncateSync(path, end);
  const records = recordsIn(octets.toString('utf8', 0, end));
  segment.bytes = end;
  segment.last = records.at(-1)?.sequence ?? segment.first - 1;
  segment.firstMs = records[0]?.at ?? segment.firstMs;
}

/** A write may take less than it was given without an error, as on a disk that is nearly full. */
async function writeAll(file: FileHandle, octets: Uint8Array, bytes: number): Promise<void> {
  let done = 0;
  while (done < octets.length) {
    const { bytesWritten } = await file.write(octets.subarray(done));
    if (bytesWritten === 0) throw new Error(`no octet was taken after ${bytes + done}`);
    done += bytesWritten;
  }
}
