/** What TCP clients may take of one worker, all together and each source. */

export interface TcpLimits {
  /** Connections of this worker; one more closes the one that has been idle longest. */
  readonly connectionsMax: number;
  /** A connection without a whole query for this long is closed (RFC 7766 6.2.3). */
  readonly idleMs: number;
  /**
   * So many of these in one turn of the clock (20 ms): to close one takes the kernel 10 us and
   * more, and many come due at once where many were opened at once.
   */
  readonly closesPerTurn: number;
  /** Queries of one connection that may wait for an upstream; reading pauses beyond. */
  readonly pendingMax: number;
  /** Octets that all clients together may leave unread; one that would leave more is closed. */
  readonly unreadMax: number;
  /** Connections of one source; one more closes its own that has been idle longest. */
  readonly connectionsPerSource: number;
  /** Octets that one source may leave unread, and that it may have sent without being read. */
  readonly octetsPerSource: number;
  /** 1 when the streams are those of TLS. */
  readonly overTls?: number;
}

/** A connection over TLS takes some 60 kB more than one without. */
export const TLS_LIMITS: TcpLimits = {
  connectionsMax: 1000,
  idleMs: 10_000,
  closesPerTurn: 8,
  pendingMax: 256,
  unreadMax: 1 << 24,
  connectionsPerSource: 125,
  octetsPerSource: 1 << 21,
  overTls: 1,
};

export const TCP_LIMITS: TcpLimits = {
  connectionsMax: 12_000,
  idleMs: 10_000,
  closesPerTurn: 40,
  pendingMax: 256,
  unreadMax: 1 << 26,
  connectionsPerSource: 1_500,
  octetsPerSource: 1 << 23,
};
