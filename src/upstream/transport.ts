/**
 * StreamTransport: questions to one server over something with a beginning and an end: TCP, TLS or
 * HTTPS behind the same members.
 *
 * Ids, connections, framing and reconnecting are the transport's; deadlines, the check of the
 * question and what an answer means are the caller's.
 */

/** Why there is no connection. */
export interface StreamFailure {
  /** For people. */
  readonly reason: string;
  /** The server was there, and is not who it must be. */
  readonly certificate: boolean;
}

export interface StreamEvents {
  /**
   * The answer to `token`'s question: it came on the connection, and in place, of the question. The
   * octets are valid until this returns. The question in it is not compared yet.
   */
  onMessage(token: number, octets: Uint8Array, start: number, end: number): void;
  /** No answer will come for `token`: no connection, or one that broke on this question. */
  onBroken(token: number): void;
  /** A connection was had, or could not be had. The questions that waited for it are told apart. */
  onConnected(): void;
  onUnreachable(failure: StreamFailure): void;
}

export interface StreamTransport {
  /** False for a while after no connection could be had: whoever has a choice asks elsewhere. */
  readonly usable: boolean;
  /**
   * Asks. One of the events follows, never before this returns, unless `cancel` or `giveUp` comes
   * first. `message` is kept and its id overwritten; it must not be used again.
   *
   * @param token any number, different from those that are still being asked
   * @returns false when too many questions wait already; no event follows then
   */
  ask(message: Uint8Array, token: number): boolean;
  /** The answer is not wanted any more. */
  cancel(token: number): void;
  /** The answer took too long; the connection may be the reason. */
  giveUp(token: number): void;
  /** No event follows. */
  close(): void;
}
