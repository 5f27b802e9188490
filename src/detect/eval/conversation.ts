/**
 * Conversation: frames of a capture to samples. Queries to port 53 over UDP and TCP, each with the
 * response of the same client, port, id and name; what is sent again is a query again.
 */

import { addressToText } from '../../native/addresses.ts';
import { HEADER_SIZE } from '../../wire/constants.ts';
import { skipName } from '../../wire/name.ts';
import { readU16 } from '../../wire/octets.ts';
import type { FrameSink } from './capture-reader.ts';
import { lowerName } from './names.ts';
import { PACKET_CUT, PACKET_FRAGMENT, PACKET_TCP, PACKET_UDP, Packet } from './packet.ts';
import { type Reply, type Timeline, TimelineBuilder } from './sample.ts';
import { TcpStreams } from './streams.ts';

const DNS_PORT = 53;
const QR = 0x8000;
const TC = 0x0200;
const OPCODE_MASK = 0x7800;
const CLASS_IN = 1;
/** Queries that wait for their response; the oldest stay without. */
const WAITING_MAX = 65_536;

/** What a capture held besides what was replayed. */
export interface CaptureCounts {
  frames: number;
  overUdp: number;
  overTcp: number;
  /** Parts of datagrams, left out. */
  fragments: number;
  /** Shorter than their headers say. */
  cut: number;
  /** On port 53, and no query or response of one question of class IN. */
  unreadable: number;
  /** Places in TCP connections where octets were missing. */
  lost: number;
  /** Responses whose query is not in the capture. */
  unasked: number;
}

interface Asked {
  at: number;
  client: string;
  name: Uint8Array;
  qtype: number;
  reply: Reply | null;
  readonly truth: null;
}

export class Conversation implements FrameSink {
  readonly counts: CaptureCounts = {
    frames: 0,
    overUdp: 0,
    overTcp: 0,
    fragments: 0,
    cut: 0,
    unreadable: 0,
    lost: 0,
    unasked: 0,
  };
  readonly #timelines: TimelineBuilder;
  readonly #packet = new Packet();
  readonly #streams = new TcpStreams();
  /** Queries without a response, by what a response has in common with them. */
  readonly #waiting = new Map<string, Asked[]>();
  #firstSeconds: number | null = null;
  #nowSeconds = 0;

  /** @param source name of the file for the report */
  constructor(source: string) {
    this.#timelines = new TimelineBuilder(source);
  }

  frame(seconds: number, linkType: number, octets: Uint8Array, start: number, end: number): void {
    this.counts.frames++;
    const packet = this.#packet;
    const kind = packet.read(linkType, octets, start, end);
    if (kind === PACKET_FRAGMENT) this.counts.fragments++;
    else if (kind === PACKET_CUT) this.counts.cut++;
    if (kind !== PACKET_UDP && kind !== PACKET_TCP) return;
    if (packet.sourcePort !== DNS_PORT && packet.destinationPort !== DNS_PORT) return;
    this.#nowSeconds = seconds;
    if (kind === PACKET_UDP) {
      this.#message(Buffer.from(octets.subarray(packet.payload, packet.payloadEnd)), 'udp');
    } else {
      this.#streams.segment(packet, octets, (message) => this.#message(message, 'tcp'));
    }
  }

  finish(): Timeline[] {
    this.#streams.finish((message) => this.#message(message, 'tcp'));
    this.counts.lost = this.#streams.lostCount;
    return this.#timelines.finish();
  }

  #message(octets: Uint8Array, transport: 'udp' | 'tcp'): void {
    const questionEnd = endOfQuestion(octets);
    if (questionEnd === -1) {
      this.counts.unreadable++;
      return;
    }
    const { sourcePort, destinationPort } = this.#packet;
    const isResponse = (readU16(octets, 2) & QR) !== 0;
    const name = octets.subarray(HEADER_SIZE, questionEnd - 4);
    if (isResponse && sourcePort === DNS_PORT) this.#answered(octets, name, transport);
    else if (!isResponse && destinationPort === DNS_PORT) this.#asked(octets, name, transport);
  }

  #asked(octets: Uint8Array, name: Uint8Array, transport: 'udp' | 'tcp'): void {
    this.#firstSeconds ??= this.#nowSeconds;
    const client = addressToText(this.#packet.source, 0);
    const sample: Asked = {
      // A capture of several interfaces may go back a little.
      at: Math.max(0, this.#nowSeconds - this.#firstSeconds),
      client,
      name,
      qtype: readU16(octets, HEADER_SIZE + name.length),
      reply: null,
      truth: null,
    };
    this.counts[transport === 'udp' ? 'overUdp' : 'overTcp']++;
    this.#timelines.add('', sample);
    this.#wait(keyOf(client, this.#packet.sourcePort, octets, name, transport), sample);
  }

  #wait(key: string, sample: Asked): void {
    const same = this.#waiting.get(key);
    if (same !== undefined) {
      same.push(sample);
      return;
    }
    if (this.#waiting.size >= WAITING_MAX) {
      for (const oldest of this.#waiting.keys()) {
        this.#waiting.delete(oldest);
        break;
      }
    }
    this.#waiting.set(key, [sample]);
  }

  #answered(octets: Uint8Array, name: Uint8Array, transport: 'udp' | 'tcp'): void {
    const client = addressToText(this.#packet.destination, 0);
    const key = keyOf(client, this.#packet.destinationPort, octets, name, transport);
    const waiting = this.#waiting.get(key);
    const sample = waiting?.shift();
    if (sample === undefined) this.counts.unasked++;
    // What was cut is asked for again over TCP, and answered there.
    else if ((readU16(octets, 2) & TC) === 0) sample.reply = { kind: 'message', octets };
    if (waiting?.length === 0) this.#waiting.delete(key);
  }
}

/** Where the only question of a message ends; -1 when there is no such thing. */
function endOfQuestion(octets: Uint8Array): number {
  if (octets.length < HEADER_SIZE + 5 || readU16(octets, 4) !== 1) return -1;
  if ((readU16(octets, 2) & OPCODE_MASK) !== 0) return -1;
  const nameEnd = skipName(octets, HEADER_SIZE, octets.length);
  if (nameEnd === -1 || nameEnd + 4 > octets.length || nameEnd > HEADER_SIZE + 255) return -1;
  // A name in a question has nothing that it could point to.
  if ((octets[nameEnd - 1] ?? 1) !== 0) return -1;
  return readU16(octets, nameEnd + 2) === CLASS_IN ? nameEnd + 4 : -1;
}

function keyOf(
  client: string,
  port: number,
  octets: Uint8Array,
  name: Uint8Array,
  transport: string,
): string {
  const text = Buffer.from(lowerName(name)).toString('latin1');
  return `${client} ${port} ${readU16(octets, 0)} ${transport} ${text}`;
}
