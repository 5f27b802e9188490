/** UpstreamEvents: what the dispatcher tells whoever submitted a flight. */

export interface UpstreamEvents {
  /**
   * A message that matches the question lies in `octets`, valid until this returns. Only its header
   * and question were looked at, so it may be malformed in the rest.
   *
   * @returns true when it is used: the callee has released the flight and hears no more of it.
   *   False when it is unfit: the flight goes on, as if the message had not come, and must not be
   *   released.
   */
  onAnswer(flight: number, octets: Uint8Array, start: number, end: number): boolean;
  /**
   * There will be no answer. The callee releases the flight and hears no more of it.
   *
   * @param ede EDE code (RFC 8914): 22 when servers stayed silent, 23 when none could be reached
   */
  onFailure(flight: number, ede: number): void;
  /** A round of events is over: what was gathered from them can be sent now. */
  onSettled?(): void;
}
