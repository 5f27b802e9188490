/**
 * Texts by number: UTF-8 octets in one shared blob, so that the fast lane can copy the text of a
 * rule or the name of a workload into a response without making a string of it.
 *
 * It holds texts; it does not know what they say. Text 0 is always the empty one.
 */

/** What crosses threads; `Texts` wraps it again on the other side. */
export interface TextsMemory {
  /** All texts one after the other, UTF-8. */
  readonly octets: Uint8Array;
  /** Where text `id` starts in `octets`; one more entry than texts, so `id + 1` is its end. */
  readonly starts: Uint32Array;
}

export class Texts {
  readonly octets: Uint8Array;
  readonly starts: Uint32Array;

  constructor(memory: TextsMemory) {
    this.octets = memory.octets;
    this.starts = memory.starts;
  }

  /** Offset of the first octet of text `id`; an id that does not exist has the empty text. */
  start(id: number): number {
    return id + 1 < this.starts.length ? this.starts[id]! : 0;
  }

  /** Offset after the last octet of text `id`. */
  end(id: number): number {
    return id + 1 < this.starts.length ? this.starts[id + 1]! : 0;
  }

  /** Text `id` as a string: for people, in the slow lane. */
  text(id: number): string {
    return Buffer.from(this.octets.subarray(this.start(id), this.end(id))).toString('utf8');
  }
}

/** Packs `texts` into shared memory; index in the list is the id, and `texts[0]` must be ''. */
export function packTexts(texts: readonly string[]): TextsMemory {
  const starts = new Uint32Array(
    new SharedArrayBuffer((texts.length + 1) * Uint32Array.BYTES_PER_ELEMENT),
  );
  let length = 0;
  for (const [id, text] of texts.entries()) {
    starts[id] = length;
    length += Buffer.byteLength(text, 'utf8');
  }
  starts[texts.length] = length;
  const octets = new Uint8Array(new SharedArrayBuffer(length));
  const view = Buffer.from(octets.buffer);
  for (const [id, text] of texts.entries()) view.write(text, starts[id] ?? 0, 'utf8');
  return { octets, starts };
}
