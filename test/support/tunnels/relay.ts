/** What passed a relay of datagrams (relay-process.ts), and captures made of it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { datagram, type Frame, pcap } from '../../detect/eval/captures.ts';
import { type Message, readMessage } from '../message.ts';
import type { Program } from '../processes.ts';
import type { Hosts } from './hosts.ts';

const PROCESS = join(import.meta.dirname, 'relay-process.ts');

export interface RelayShape {
  readonly end: 'near' | 'far';
  /** `ADDRESS PORT` that it listens on, and that it passes datagrams to. */
  readonly listen: readonly [string, number];
  readonly to: readonly [string, number];
  readonly log: string;
  /** Log of a relay whose letter case is to be brought back. */
  readonly cases?: string;
}

export interface Passed {
  readonly seconds: number;
  readonly way: 'ask' | 'answer';
  readonly port: number;
  readonly octets: Buffer;
}

export class Relay {
  readonly #program: Program;
  readonly #shape: RelayShape;

  private constructor(program: Program, shape: RelayShape) {
    this.#program = program;
    this.#shape = shape;
  }

  static async start(hosts: Hosts, shape: RelayShape): Promise<Relay> {
    const { end, listen, to, log, cases } = shape;
    const args = [log, ...[...listen, ...to].map(String), ...(cases === undefined ? [] : [cases])];
    const program = hosts.start(end, [process.execPath, PROCESS, ...args]);
    await program.says('listening');
    return new Relay(program, shape);
  }

  /** All that passed so far, in order. */
  passed(): Passed[] {
    const text = readFileSync(this.#shape.log, { encoding: 'utf8', flag: 'a+' });
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => {
      const { at, way, port, hex } = JSON.parse(line) as Line;
      return { seconds: at, way, port, octets: Buffer.from(hex, 'hex') };
    });
  }

  queries(): Message[] {
    return this.passed()
      .filter(({ way }) => way === 'ask')
      .map(({ octets }) => readMessage(octets));
  }

  answers(): Message[] {
    return this.passed()
      .filter(({ way }) => way === 'answer')
      .map(({ octets }) => readMessage(octets));
  }

  stop(): Promise<unknown> {
    return this.#program.stop();
  }
}

/** A capture file of it. @param ends addresses of the client and of the server, at its port 53 */
export function captureOf(passed: readonly Passed[], ends: readonly [string, string]): Buffer {
  return pcap(passed.map((one) => frameOf(one, ends)));
}

interface Line {
  readonly at: number;
  readonly way: 'ask' | 'answer';
  readonly port: number;
  readonly hex: string;
}

function frameOf(
  { seconds, way, port, octets }: Passed,
  [client, server]: readonly [string, string],
): Frame {
  const ends =
    way === 'ask'
      ? { from: client, to: server, fromPort: port, toPort: 53 }
      : { from: server, to: client, fromPort: 53, toPort: port };
  return { seconds, octets: datagram(ends, octets) };
}
