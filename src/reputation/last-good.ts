/**
 * The last good copy of each downloaded feed, on disk: what a start without network runs on. One
 * text file and one JSON file beside it per feed; each is replaced whole or not at all.
 */

import { access, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

export interface CopyMeta {
  readonly url: string;
  readonly etag: string;
  readonly lastModified: string;
  readonly entries: number;
  /** Wall clock of the last time the server confirmed this copy. */
  readonly fetchedMs: number;
}

export class LastGood {
  readonly #directory: string;

  constructor(stateDirectory: string) {
    this.#directory = join(stateDirectory, 'feeds');
  }

  /** What is known about the copy of a feed, null when there is none of this URL. */
  async meta(feed: string, url: string): Promise<CopyMeta | null> {
    let meta: unknown;
    try {
      meta = JSON.parse(await readFile(this.#path(feed, 'json'), 'utf8'));
      await access(this.#path(feed, 'list'));
    } catch {
      return null; // missing or damaged: then there is no copy, and it is fetched again
    }
    // A copy of another URL is another list, whatever the feed is called.
    return isMeta(meta) && meta.url === url ? meta : null;
  }

  /** Text of the copy, null when there is none of this URL. */
  async read(feed: string, url: string): Promise<Uint8Array | null> {
    if ((await this.meta(feed, url)) === null) return null;
    try {
      return await readFile(this.#path(feed, 'list'));
    } catch {
      return null;
    }
  }

  /**
   * Replaces the copy. The text goes first: should the machine stop between the two, the old
   * validators only cause one more download.
   */
  async write(feed: string, octets: Uint8Array, meta: CopyMeta): Promise<void> {
    await this.#replace(this.#path(feed, 'list'), octets);
    await this.confirm(feed, meta);
  }

  /** Replaces what is known about the copy. */
  async confirm(feed: string, meta: CopyMeta): Promise<void> {
    await this.#replace(this.#path(feed, 'json'), new TextEncoder().encode(JSON.stringify(meta)));
  }

  async #replace(path: string, octets: Uint8Array): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const file = await open(`${path}.new`, 'w', 0o640);
    try {
      await file.writeFile(octets);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  #path(feed: string, extension: string): string {
    return join(this.#directory, `${feed}.${extension}`);
  }
}

function isMeta(value: unknown): value is CopyMeta {
  if (typeof value !== 'object' || value === null) return false;
  const meta = value as Record<string, unknown>;
  return (
    typeof meta['url'] === 'string' &&
    typeof meta['etag'] === 'string' &&
    typeof meta['lastModified'] === 'string' &&
    Number.isFinite(meta['entries']) &&
    Number.isFinite(meta['fetchedMs'])
  );
}
