/**
 * Logger: reads the rings of the workers and gives each record to the outputs it is for. Knows no
 * thread and no clock; `logger-worker.ts` calls it.
 */

import { hostname } from 'node:os';
import type { Dnstap, DnstapTarget, QueryLog } from '../config/sink-types.ts';
import { type ByteRingMemory, ByteRingReader } from '../events/byte-ring.ts';
import type { RevisionNames } from '../history/messages.ts';
import { DnstapEncoder } from './dnstap.ts';
import { DnstapClient } from './dnstap-client.ts';
import { dataFrame } from './frames.ts';
import { jsonLine } from './json-line.ts';
import { KIND_RESPONSE, TO_DNSTAP, TO_LOG } from './kinds.ts';
import { LogFile } from './log-file.ts';
import type { LoggerSettings, LoggerStats, Outputs } from './messages.ts';
import { Revisions, readTapped, type Tapped } from './record.ts';

/** Records in one write to the file and in one to the socket. */
const BATCH = 512;

interface Source {
  readonly reader: ByteRingReader;
  readonly octets: Buffer;
}

export class Logger {
  readonly #sources: Source[];
  readonly #revisions = new Revisions();
  readonly #version: string;
  #outputs: Outputs = { queryLog: null, dnstap: null, listen: [] };
  #file: LogFile | null = null;
  #client: DnstapClient | null = null;
  #encoder: DnstapEncoder | null = null;
  #lines: string[] = [];
  #frames: Buffer[] = [];

  /** @param version how dnstap calls this program */
  constructor({ rings }: LoggerSettings, version: string) {
    this.#sources = rings.map(sourceOf);
    this.#version = version;
  }

  addRevision(names: RevisionNames): void {
    this.#revisions.add(names);
  }

  /** What the old ring of the slot still holds is written first. */
  addRing(slot: number, ring: ByteRingMemory): void {
    this.poll();
    this.#sources[slot] = sourceOf(ring);
  }

  /** Outputs that stay the same go on undisturbed. */
  async configure(next: Outputs, graceMs: number): Promise<void> {
    this.poll();
    const now = this.#outputs;
    this.#outputs = next;
    if (!isSame(fileOf(now.queryLog), fileOf(next.queryLog))) {
      this.#file?.close();
      this.#file = next.queryLog === null ? null : new LogFile(next.queryLog);
    }
    this.#encoder = encoderOf(next, this.#version);
    if (isSame(targetOf(now.dnstap), targetOf(next.dnstap))) return;
    const old = this.#client;
    this.#client = next.dnstap === null ? null : new DnstapClient(next.dnstap.target);
    await old?.close(graceMs);
  }

  reopen(): void {
    this.#file?.reopen();
  }

  /**
   * Writes what the rings hold. While nothing is written anywhere it stays there: workers may know
   * of an output before this does.
   */
  poll(): void {
    if (this.#file === null && this.#client === null) return;
    for (const source of this.#sources) this.#drain(source);
  }

  async close(graceMs: number): Promise<void> {
    this.poll();
    this.#file?.close();
    await this.#client?.close(graceMs);
  }

  stats(): LoggerStats {
    return {
      queryLog: this.#file?.stats() ?? null,
      dnstap: this.#client?.stats() ?? null,
    };
  }

  /** Bounded by what the ring can hold, so that no busy worker keeps the others waiting. */
  #drain({ reader, octets }: Source): void {
    let left = octets.length;
    for (let at = reader.peek(); at !== -1 && left > 0; at = reader.peek()) {
      left -= octets.readUInt32LE(at);
      this.#take(readTapped(octets, at, this.#revisions));
      reader.release(at);
      if (this.#lines.length >= BATCH || this.#frames.length >= BATCH) this.#flush();
    }
    this.#flush();
  }

  #take(tapped: Tapped): void {
    const isLogged = (tapped.outputs & TO_LOG) !== 0 && tapped.kind === KIND_RESPONSE;
    if (isLogged && this.#file !== null) this.#lines.push(jsonLine(tapped));
    if ((tapped.outputs & TO_DNSTAP) === 0 || this.#encoder === null) return;
    this.#frames.push(dataFrame(this.#encoder.encode(tapped)));
  }

  #flush(): void {
    this.#file?.append(this.#lines);
    if (this.#frames.length > 0) {
      this.#client?.send(Buffer.concat(this.#frames), this.#frames.length);
    }
    this.#lines = [];
    this.#frames = [];
  }
}

function sourceOf(ring: ByteRingMemory): Source {
  return { reader: new ByteRingReader(ring), octets: Buffer.from(ring.octets.buffer) };
}

function encoderOf({ dnstap, listen }: Outputs, version: string): DnstapEncoder | null {
  if (dnstap === null) return null;
  const identity = dnstap.identity ?? hostname();
  return new DnstapEncoder({ identity, version: dnstap.version ?? version, listen });
}

/** The parts that an open file or connection depends on. */
function fileOf(log: QueryLog | null): Omit<QueryLog, 'sample'> | null {
  if (log === null) return null;
  const { sample: _, ...file } = log;
  return file;
}

function targetOf(dnstap: Dnstap | null): DnstapTarget | null {
  return dnstap?.target ?? null;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
