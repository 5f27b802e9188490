/**
 * Ahead: reads for all queries of a batch what each of them will read once it is decided.
 *
 * Fast lane. The rows of a name lie far from the processor, and one query after the other waits for
 * each of its own in turn; read in loops that do nothing else, those of a dozen queries are on
 * their way at the same time. Nothing is decided here. What is kept is the name, so that `parse`
 * need not read it again.
 */

import { BATCH_CAPACITY, type Batch, PEER_SIZE, SLOT_STRIDE } from './batch.ts';
import { registrableLabel } from './detect/registrable.ts';
import type { Memory } from './memory.ts';
import type { Query } from './query.ts';
import type { Tables } from './tables.ts';
import { KEY_CD, KEY_DO } from './upstream/inflight.ts';
import { AT_ARCOUNT, HEADER_SIZE, OPT_DO } from './wire/constants.ts';
import { readName, WireName } from './wire/name.ts';
import { readU16 } from './wire/octets.ts';

const CD_OCTET = 3;
const CD_BIT = 0x10;
/** From the type of a question to the flags of an OPT record right behind it. */
const TO_OPT_FLAGS = 11;

export class Ahead {
  /** By datagram: its name, and the offset after it; 0 where there is none that can be read. */
  readonly #names = Array.from({ length: BATCH_CAPACITY }, () => new WireName());
  readonly #ends = new Int32Array(BATCH_CAPACITY);
  readonly #workload = new Int32Array(BATCH_CAPACITY);
  readonly #key = new Int32Array(BATCH_CAPACITY);
  readonly #slot = new Int32Array(BATCH_CAPACITY);
  readonly #entry = new Int32Array(BATCH_CAPACITY);
  readonly #pair = new Int32Array(BATCH_CAPACITY);
  /** What was read ends here, so that it is read. */
  sink = 0;

  /** Before any datagram of the batch is decided. */
  look(batch: Batch, count: number, tables: Tables, memory: Memory): void {
    for (let i = 0; i < count; i++) this.#read(batch, i, tables);
    this.#lookUp(count, memory);
    this.#lookFurther(count, tables, memory);
  }

  /** Points the cursor at the name of datagram `i`, which `parse` takes as read. */
  hand(query: Query, i: number): void {
    query.name = this.#names[i]!;
    query.nameEnd = this.#ends[i]!;
  }

  #read({ rx, rxLength, peer }: Batch, i: number, tables: Tables): void {
    const start = i * SLOT_STRIDE;
    const end = start + rxLength[i]!;
    const workload = tables.prefixes.find(peer, i * PEER_SIZE);
    this.#workload[i] = workload;
    this.#ends[i] = 0;
    // Of a flood nothing is read but whose it is.
    if (tables.rates.isDry(workload)) return;
    const next = readName(rx, start + HEADER_SIZE, end, this.#names[i]!);
    if (next === -1 || next + 4 > end) return;
    this.#ends[i] = next;
    // A wrong guess costs a row that is not read.
    const wantsDnssec =
      rx[start + AT_ARCOUNT + 1] === 1 && (rx[next + TO_OPT_FLAGS]! & OPT_DO) !== 0;
    const isUnchecked = (rx[start + CD_OCTET]! & CD_BIT) !== 0;
    this.#key[i] =
      (readU16(rx, next) << 8) | (wantsDnssec ? KEY_DO : 0) | (isUnchecked ? KEY_CD : 0);
  }

  /** What a name has that was asked for before: its row, its pair's and its answer. */
  #lookUp(count: number, { ledger, store }: Memory): void {
    const { names, pairs } = ledger;
    for (let i = 0; i < count; i++) {
      const low = this.#ends[i] === 0 ? 0 : this.#names[i]!.low[0]!;
      this.#slot[i] = names.placeWord(this.#workload[i]!, low) - 1;
      this.#entry[i] = store.placeWord(low, this.#key[i]!) - 1;
    }
    let sink = 0;
    for (let i = 0; i < count; i++) {
      this.#pair[i] = names.linkOf(this.#slot[i]!);
      sink ^= names.linesOf(this.#slot[i]!) ^ store.linesOf(this.#entry[i]!);
    }
    for (let i = 0; i < count; i++) sink ^= pairs.linesOf(this.#pair[i]!);
    this.sink = sink;
  }

  /** What a new name will be charged to. */
  #lookFurther(count: number, tables: Tables, { ledger, detectors }: Memory): void {
    const { keyLow } = tables.workloads;
    const { pairs } = ledger;
    let sink = 0;
    for (let i = 0; i < count; i++) {
      const isNew = this.#ends[i] !== 0 && this.#slot[i] === -1 && this.#entry[i] === -1;
      this.#pair[i] = -1;
      if (!isNew) continue;
      const name = this.#names[i]!;
      const workload = this.#workload[i]!;
      const low = name.low[registrableLabel(name, tables.suffixes)]!;
      this.#key[i] = keyLow[workload]! ^ low;
      this.#pair[i] = pairs.placeWord(workload, low) - 1;
      sink ^= detectors.seen.placeWord(keyLow[workload]! ^ name.low[0]!);
      sink ^= detectors.channels.headWord(keyLow[workload]! ^ low);
    }
    for (let i = 0; i < count; i++) sink ^= pairs.linesOf(this.#pair[i]!);
    this.sink ^= sink;
  }
}
