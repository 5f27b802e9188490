/**
 * Link: one connection to one server, as stream.ts sees it. Framing is the link's; which question
 * goes when, and what is asked again, is not.
 */

import type { StreamFailure } from './transport.ts';

export interface LinkEvents {
  /** Questions may be sent. */
  onReady(): void;
  onMessage(token: number, octets: Uint8Array, start: number, end: number): void;
  /** The server will not answer this question; the link goes on. */
  onRefused(token: number): void;
  /** The server did not look at this question; it may be asked again elsewhere. */
  onUntouched(token: number): void;
  /** There may be room where there was none. */
  onRoom(): void;
  /** No more questions; those that were sent may still be answered. */
  onRetired(): void;
  /** It is over, for all that was sent. Comes once, also when the link was never ready. */
  onEnd(failure: StreamFailure): void;
}

/** Events come later than the call that leads to them, and none comes after `close`. */
export interface Link {
  /** Whether another question can be sent now, beside what the caller allows. */
  readonly hasRoom: boolean;
  /** Sends a question; its id is the link's to choose. */
  send(message: Uint8Array, token: number): void;
  /** The answer is not wanted any more. */
  forget(token: number): void;
  close(): void;
}

export type OpenLink = (events: LinkEvents) => Link;
