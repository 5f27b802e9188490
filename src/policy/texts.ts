/**
 * Texts by number: UTF-8 octets in one shared blob, so that the fast lane can copy the text of a
 * rule or the name of a workload into a response without making a string of it.
 *
 * Fast lane. It holds texts and does not know what they say; rules.ts packs them. Text 0 is always
 * the empty one.
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
