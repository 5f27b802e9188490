/**
 * Inputs: what the arguments of the command name. A file is a capture or a table by how it begins;
 * of a folder all files whose names end like one, except tables that are none of queries.
 */

import { createReadStream, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { DnsvalveError, messageOf } from '../../errors.ts';
import { CaptureReader, isCapture } from './capture-reader.ts';
import { type CaptureCounts, Conversation } from './conversation.ts';
import type { Timeline } from './sample.ts';
import { TableReader } from './table-reader.ts';

const ENDING = /\.(tsv|pcap|pcapng|cap)(\.gz)?$/;
const HEAD_SIZE = 64;

export interface Recording {
  readonly path: string;
  readonly timelines: readonly Timeline[];
  /** Of a capture. */
  readonly counts: CaptureCounts | null;
  /** Octets of a packet that the end of the file cut off. */
  readonly cutOctets: number;
}

interface Found {
  readonly path: string;
  /** Named by the user, so it must be readable. */
  readonly isNamed: boolean;
}

/** Reads everything that the paths lead to, in the order of their names. */
export async function readInputs(
  paths: readonly string[],
  note: (text: string) => void,
): Promise<Recording[]> {
  const recordings: Recording[] = [];
  for (const { path, isNamed } of paths.flatMap(filesOf)) {
    if (!isNamed && !(await isOfQueries(path))) {
      note(`${path}: no table of queries, left out`);
      continue;
    }
    recordings.push(await readFile(path));
  }
  if (recordings.length === 0) {
    throw new DnsvalveError('USAGE', `${paths.join(', ')}: no .tsv, .tsv.gz or .pcap file in it`);
  }
  return recordings;
}

function filesOf(path: string): Found[] {
  if (!statOf(path).isDirectory()) return [{ path, isNamed: true }];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => ENDING.test(name))
    .sort()
    .map((name) => ({ path: join(path, name), isNamed: false }));
}

function statOf(path: string): ReturnType<typeof statSync> & object {
  try {
    return statSync(path);
  } catch (error) {
    throw new DnsvalveError('USAGE', `${path}: ${messageOf(error)}`, error);
  }
}

/** A table of queries has a `qname`; a folder may hold other tables beside it. */
async function isOfQueries(path: string): Promise<boolean> {
  const head = await headOf(path);
  return isCapture(head) || /(^|\t)qname(\t|\r?\n|$)/.test(head.toString('latin1'));
}

async function headOf(path: string): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of octetsOf(path)) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= HEAD_SIZE) break;
  }
  return head;
}

async function readFile(path: string): Promise<Recording> {
  const source = basename(path).replace(ENDING, '');
  let reader: CaptureReader | TableReader | null = null;
  const conversation = new Conversation(source);
  for await (const chunk of octetsOf(path)) {
    reader ??= isCapture(chunk)
      ? new CaptureReader(path, conversation)
      : new TableReader(path, source);
    reader.feed(chunk);
  }
  if (reader instanceof CaptureReader) {
    const cutOctets = reader.finish();
    return { path, timelines: conversation.finish(), counts: conversation.counts, cutOctets };
  }
  const table = reader ?? new TableReader(path, source);
  return { path, timelines: table.finish(), counts: null, cutOctets: 0 };
}

/** Lines of text files, the first of each left out: it names the columns. */
export async function readLines(paths: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const path of paths) {
    const chunks: Buffer[] = [];
    for await (const chunk of octetsOf(path)) chunks.push(chunk);
    for (const line of Buffer.concat(chunks).toString('utf8').split('\n').slice(1)) {
      if (line !== '') lines.push(line);
    }
  }
  return lines;
}

/** The file's octets, without their compression. */
async function* octetsOf(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip({ chunkSize: 1 << 20 })) : file;
  file.on('error', (error) => stream.destroy(error));
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    throw new DnsvalveError('USAGE', `${path}: ${messageOf(error)}`, error);
  }
}
