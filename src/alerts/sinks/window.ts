/**
 * Window: what went into a connection lately. The kernel of either side may still hold it, and
 * syslog has no acknowledgement, so all of it is sent again when the connection breaks.
 */

/** How long a frame counts as not certainly taken while the connection holds. */
export const RECENT_MS = 10_000;
/** How long a collector that has read something may need to bring it to its disk. */
export const SETTLE_MS = 1_000;
/**
 * Octets held at most. Linux lets both kernels together hold 10 MB of one connection by default
 * (tcp_wmem and tcp_rmem, third numbers: 4 and 6 MB).
 */
export const WINDOW_OCTETS = 16_777_216;

export interface Frame {
  readonly octets: Uint8Array;
  /** Monotonic ms of when it was written to the connection of now. */
  writtenMs: number;
  /** Monotonic ms of when the kernel took it. */
  takenMs: number;
  /** Whether it counts as sent already; each does once. */
  isCounted: boolean;
}

export class Window {
  /** From #head on, oldest first; what lies before it is forgotten. */
  #frames: Frame[] = [];
  #head = 0;
  #octets = 0;
  #confirmed = 0;
  /** When the peer was last seen not reading. */
  #stalledMs = Number.NEGATIVE_INFINITY;

  /** Frames that were forgotten here: they will not be sent again. */
  confirmed(nowMs: number): number {
    this.#forget(nowMs);
    return this.#confirmed;
  }

  /** Adds what the kernel has just taken, and forgets what is certain by now. */
  add(frame: Frame): void {
    this.#frames.push(frame);
    this.#octets += frame.octets.length;
    this.#forget(frame.takenMs);
  }

  /** The kernel had no room: the peer is not reading, so nothing gets certain by mere age. */
  stalled(nowMs: number): void {
    this.#stalledMs = nowMs;
  }

  /** Takes out everything that is not certain, oldest first. */
  take(nowMs: number): Frame[] {
    this.#forget(nowMs);
    const frames = this.#frames.slice(this.#head);
    this.#empty();
    return frames;
  }

  /**
   * The peer has read all of it, and may hold it in its own memory: what is in the window stays for
   * SETTLE_MS more.
   */
  acknowledged(nowMs: number): void {
    const takenMs = nowMs - RECENT_MS + SETTLE_MS;
    for (let i = this.#head; i < this.#frames.length; i++) {
      const frame = this.#frames[i];
      if (frame !== undefined) frame.takenMs = Math.min(frame.takenMs, takenMs);
    }
    this.#stalledMs = Number.NEGATIVE_INFINITY;
    this.#forget(nowMs);
  }

  /** The peer has certainly taken all of it. */
  clear(): void {
    this.#confirmed += this.#frames.length - this.#head;
    this.#empty();
  }

  #empty(): void {
    this.#frames = [];
    this.#head = 0;
    this.#octets = 0;
    this.#stalledMs = Number.NEGATIVE_INFINITY;
  }

  #forget(nowMs: number): void {
    for (;;) {
      const oldest = this.#frames[this.#head];
      if (oldest === undefined) break;
      const age = nowMs - Math.max(oldest.takenMs, this.#stalledMs);
      if (age < RECENT_MS && this.#octets <= WINDOW_OCTETS) break;
      this.#octets -= oldest.octets.length;
      this.#head++;
      this.#confirmed++;
    }
    if (this.#head < 1024 || this.#head * 2 < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#head);
    this.#head = 0;
  }
}
