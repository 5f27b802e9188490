/**
 * Relayed: the address of the forwarder that a later answer over UDP goes to, while the waiter's
 * own record says whose the query is. Numbered, and the number travels in the waiter's channel.
 */

import { PEER_SIZE } from '../batch.ts';
import { copyOctets } from '../wire/octets.ts';

/** A UDP channel: the port in the lower bits, and above them the ticket, 0 for none. */
export const TICKET_SHIFT = 16;
export const CHANNEL_MASK = (1 << TICKET_SHIFT) - 1;
/** Nearly as many as there are waiters; a channel keeps its upper two bits clear. */
const TICKETS = (1 << 14) - 1;

export class Relayed {
  readonly #records = new Uint8Array((TICKETS + 1) * PEER_SIZE);
  /** The next free ticket behind each; 0 ends the list. */
  readonly #next = new Uint16Array(TICKETS + 1);
  #free = 1;

  constructor() {
    for (let ticket = 1; ticket < TICKETS; ticket++) this.#next[ticket] = ticket + 1;
  }

  /** Keeps a peer record. @returns its ticket, or -1 when there is no room */
  keep(peer: Uint8Array, at: number): number {
    const ticket = this.#free;
    if (ticket === 0) return -1;
    this.#free = this.#next[ticket]!;
    copyOctets(peer, at, this.#records, ticket * PEER_SIZE, PEER_SIZE);
    return ticket;
  }

  /** Copies the record of a ticket out, which is free then. */
  take(ticket: number, peer: Uint8Array, at: number): void {
    copyOctets(this.#records, ticket * PEER_SIZE, peer, at, PEER_SIZE);
    this.release(ticket);
  }

  /** The ticket is free again; 0 is none. */
  release(ticket: number): void {
    if (ticket === 0) return;
    this.#next[ticket] = this.#free;
    this.#free = ticket;
  }
}
