/**
 * Flux: in how many networks (/16, for IPv6 /32) the addresses of a domain were, of answers that
 * may be kept for five minutes at most. Fast lane.
 *
 * Fast flux is a domain whose addresses are machines that were taken over, anywhere, and change all
 * the time. Networks are counted by 96 bits (linear counting), a day long, for 4,096 domains of one
 * worker; of four in a bucket, the one with the fewest networks gives way. Honest domains do it
 * too (pools of time servers), so it costs some points and decides nothing alone.
 */

/** Of an answer that is looked at, seconds. */
export const FLUX_TTL_MAX = 300;
/** Networks from which on it is told. A content network shows one resolver a handful. */
export const FLUX_NETWORKS = 20;
const DAY_SECONDS = 86_400;

const BUCKETS = 1024;
const WAYS = 4;
/** Words of a row: low, high, seconds when it began, networks counted, three words of bits. */
const WORDS = 7;
const AT_SINCE = 2;
const AT_SET = 3;
const AT_BITS = 4;
const BITS = 96;

export class Flux {
  readonly #words = new Int32Array(BUCKETS * WAYS * WORDS);

  /**
   * Takes in addresses of an answer.
   *
   * @param low,high hash of the registrable domain
   * @param addresses 16 octets each, `count` of them
   * @param seconds monotonic
   */
  note(low: number, high: number, addresses: Uint8Array, count: number, seconds: number): void {
    const row = this.#rowOf(low, high, seconds);
    const words = this.#words;
    for (let i = 0; i < count; i++) {
      const bit = bitOf(addresses, i * 16);
      const at = row + AT_BITS + (bit >>> 5);
      const mask = 1 << (bit & 31);
      if ((words[at]! & mask) !== 0) continue;
      words[at]! |= mask;
      words[row + AT_SET]!++;
    }
  }

  /** Networks of a domain within the last day or so; 0 when it is not held. */
  networks(low: number, high: number, seconds: number): number {
    const row = this.#find(low, high);
    if (row === -1 || seconds - this.#words[row + AT_SINCE]! > DAY_SECONDS) return 0;
    const free = BITS - this.#words[row + AT_SET]!;
    return free === 0 ? BITS * 5 : Math.round(BITS * Math.log(BITS / free));
  }

  #find(low: number, high: number): number {
    const words = this.#words;
    const first = (low & (BUCKETS - 1)) * WAYS * WORDS;
    for (let row = first; row < first + WAYS * WORDS; row += WORDS) {
      if (words[row] === low && words[row + 1] === high) return row;
    }
    return -1;
  }

  /** The row of a domain, begun anew when it is a day old or was not there. */
  #rowOf(low: number, high: number, seconds: number): number {
    const words = this.#words;
    let row = this.#find(low, high);
    if (row !== -1 && seconds - words[row + AT_SINCE]! <= DAY_SECONDS) return row;
    if (row === -1) row = this.#fewest(low, seconds);
    words.fill(0, row, row + WORDS);
    words[row] = low;
    words[row + 1] = high;
    words[row + AT_SINCE] = seconds;
    return row;
  }

  #fewest(low: number, seconds: number): number {
    const words = this.#words;
    const first = (low & (BUCKETS - 1)) * WAYS * WORDS;
    let fewest = first;
    let least = BITS + 1;
    for (let row = first; row < first + WAYS * WORDS; row += WORDS) {
      const isOld = seconds - words[row + AT_SINCE]! > DAY_SECONDS;
      const set = isOld ? 0 : words[row + AT_SET]!;
      if (set >= least) continue;
      least = set;
      fewest = row;
    }
    return fewest;
  }
}

/** A bit for the network of an address: the first 16 bits of IPv4 (mapped), 32 of IPv6. */
function bitOf(addresses: Uint8Array, at: number): number {
  const isMapped = addresses[at]! === 0 && addresses[at + 10]! === 0xff;
  const from = isMapped ? at + 12 : at;
  let network = (addresses[from]! << 8) | addresses[from + 1]!;
  if (!isMapped) network = (network << 16) | (addresses[at + 2]! << 8) | addresses[at + 3]!;
  return (Math.imul(network ^ (network >>> 15), 0x9e3779b1) >>> 8) % BITS;
}
