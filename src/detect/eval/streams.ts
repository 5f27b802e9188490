/**
 * DNS over TCP out of captured segments (RFC 1035 4.2.2: each message behind its length).
 *
 * Segments may be missing, doubled or out of order, and a capture may begin in the middle. What is
 * out of order waits for what is missing; when that does not come, reading goes on at the next
 * segment that begins with a length and a header that can be one.
 */

import { readU16 } from '../../wire/octets.ts';
import { type Packet, TCP_RST, TCP_SYN } from './packet.ts';

/** What waits for a missing segment, per direction of a connection. */
const HELD_SEGMENTS_MAX = 64;
const HELD_OCTETS_MAX = 256 * 1024;
/** A sequence number farther off is another connection on the same ports. */
const WINDOW = 1 << 24;
/** Directions of connections under way; the oldest goes. */
const STREAMS_MAX = 65_536;

const MESSAGE_MIN = 12;
const OPCODE_MASK = 0x7800;

/** Takes the octets of one message; they are the receiver's to keep. */
export type MessageSink = (octets: Uint8Array) => void;

/** One direction of a connection. */
class Stream {
  /** Next octet that is expected, where one is. */
  next: number | null = null;
  /** Segments that came too early, by sequence number. */
  readonly held = new Map<number, Uint8Array>();
  heldOctets = 0;
  /** In order, and not yet a whole message. */
  pending: Uint8Array = new Uint8Array(0);
  /** Whether `pending` begins with the length of a message. */
  isAligned = false;
}

export class TcpStreams {
  readonly #streams = new Map<string, Stream>();
  /** Places where octets were missing or were no messages. */
  lostCount = 0;

  /** Takes a segment; tells of each message that it completes. */
  segment(packet: Packet, octets: Uint8Array, sink: MessageSink): void {
    const key = keyOf(packet);
    const isSyn = (packet.tcpFlags & TCP_SYN) !== 0;
    if (isSyn || (packet.tcpFlags & TCP_RST) !== 0) this.#end(key, sink);
    if ((packet.tcpFlags & TCP_RST) !== 0) return;
    // A FIN ends nothing here: what is sent again after it must still be known as old.
    const stream = this.#streamOf(key);
    if (isSyn) stream.isAligned = true;
    const sequence = isSyn ? (packet.sequence + 1) >>> 0 : packet.sequence;
    stream.next ??= sequence;
    if (packet.payload === packet.payloadEnd) return;
    this.#take(stream, sequence, octets.slice(packet.payload, packet.payloadEnd), sink);
  }

  /** The capture is over: what waits is read as far as it goes. */
  finish(sink: MessageSink): void {
    for (const key of this.#streams.keys()) this.#end(key, sink);
  }

  #streamOf(key: string): Stream {
    let stream = this.#streams.get(key);
    if (stream !== undefined) return stream;
    if (this.#streams.size >= STREAMS_MAX) {
      for (const oldest of this.#streams.keys()) {
        this.#streams.delete(oldest);
        break;
      }
    }
    stream = new Stream();
    this.#streams.set(key, stream);
    return stream;
  }

  #end(key: string, sink: MessageSink): void {
    const stream = this.#streams.get(key);
    if (stream === undefined) return;
    while (stream.held.size > 0) this.#skipGap(stream, sink);
    if (stream.isAligned && stream.pending.length > 0) this.lostCount++;
    this.#streams.delete(key);
  }

  #take(stream: Stream, sequence: number, payload: Uint8Array, sink: MessageSink): void {
    const ahead = (sequence - (stream.next ?? sequence)) | 0;
    if (ahead > WINDOW || ahead < -WINDOW) {
      this.#restart(stream, sequence);
      this.#append(stream, payload, sink);
    } else if (ahead > 0) {
      this.#hold(stream, sequence, payload, sink);
    } else if (payload.length + ahead > 0) {
      this.#append(stream, payload.subarray(-ahead), sink);
      this.#release(stream, sink);
    }
  }

  /** Other numbers than any of this connection. */
  #restart(stream: Stream, sequence: number): void {
    this.lostCount++;
    stream.held.clear();
    stream.heldOctets = 0;
    this.#misalign(stream);
    stream.next = sequence;
  }

  #hold(stream: Stream, sequence: number, payload: Uint8Array, sink: MessageSink): void {
    const before = stream.held.get(sequence);
    if (before !== undefined && before.length >= payload.length) return;
    stream.held.set(sequence, payload);
    stream.heldOctets += payload.length - (before?.length ?? 0);
    const isTooMuch = stream.held.size > HELD_SEGMENTS_MAX || stream.heldOctets > HELD_OCTETS_MAX;
    if (isTooMuch) this.#skipGap(stream, sink);
  }

  /** Goes on at the first segment behind what is missing. */
  #skipGap(stream: Stream, sink: MessageSink): void {
    const { next, held } = stream;
    let nearest = Number.POSITIVE_INFINITY;
    for (const sequence of held.keys()) {
      nearest = Math.min(nearest, (sequence - (next ?? 0)) >>> 0);
    }
    this.lostCount++;
    this.#misalign(stream);
    stream.next = ((next ?? 0) + nearest) >>> 0;
    this.#release(stream, sink);
  }

  /** Appends what waited for the octets that came. */
  #release(stream: Stream, sink: MessageSink): void {
    for (let again = true; again; ) {
      again = false;
      for (const [sequence, payload] of stream.held) {
        const ahead = (sequence - (stream.next ?? 0)) | 0;
        if (ahead > 0) continue;
        stream.held.delete(sequence);
        stream.heldOctets -= payload.length;
        if (payload.length + ahead > 0) this.#append(stream, payload.subarray(-ahead), sink);
        again = true;
      }
    }
  }

  #append(stream: Stream, payload: Uint8Array, sink: MessageSink): void {
    stream.next = ((stream.next ?? 0) + payload.length) >>> 0;
    if (!stream.isAligned) {
      if (!beginsMessage(payload)) return;
      stream.isAligned = true;
    }
    stream.pending =
      stream.pending.length === 0 ? payload : Buffer.concat([stream.pending, payload]);
    this.#split(stream, sink);
  }

  #split(stream: Stream, sink: MessageSink): void {
    const { pending } = stream;
    let at = 0;
    while (at + 2 <= pending.length) {
      const length = readU16(pending, at);
      if (length < MESSAGE_MIN) {
        this.lostCount++;
        this.#misalign(stream);
        return;
      }
      if (at + 2 + length > pending.length) break;
      sink(pending.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    stream.pending = pending.subarray(at);
  }

  #misalign(stream: Stream): void {
    stream.pending = new Uint8Array(0);
    stream.isAligned = false;
  }
}

/** A length and the header of a standard query or its response, with one question. */
function beginsMessage(payload: Uint8Array): boolean {
  if (payload.length < 2 + MESSAGE_MIN || readU16(payload, 0) < MESSAGE_MIN) return false;
  return (readU16(payload, 4) & OPCODE_MASK) === 0 && readU16(payload, 6) === 1;
}

function keyOf(packet: Packet): string {
  const { source, destination, sourcePort, destinationPort } = packet;
  const from = Buffer.from(source).toString('latin1');
  const to = Buffer.from(destination).toString('latin1');
  return `${from}${sourcePort}>${to}${destinationPort}`;
}
