/**
 * Upstreams with a clock that tests turn, and flights as promises. Real sockets, no real time: what
 * a test waits for is a datagram or an event, never a delay.
 */

import { loadAddon } from '../../src/native/addon.ts';
import type { Backend } from '../../src/native/udp.ts';
import { Inflight } from '../../src/upstream/inflight.ts';
import { type UpstreamPlan, Upstreams } from '../../src/upstream/upstreams.ts';
import { readName, WireName } from '../../src/wire/name.ts';

export type Outcome =
  | { readonly kind: 'answer'; readonly octets: Buffer; readonly rcode: number }
  | { readonly kind: 'failure'; readonly ede: number };

export const BACKENDS: readonly Backend[] =
  loadAddon().addon === null ? ['dgram'] : ['native', 'dgram'];

/** The wire form of a dotted name without escapes. */
export function wireName(text: string): WireName {
  const labels = text === '' ? [] : text.split('.');
  const octets = Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
  const name = new WireName();
  if (readName(octets, 0, octets.length, name) === -1) throw new Error(`bad name ${text}`);
  return name;
}

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** One group per argument. */
export function planOf(...groups: readonly (readonly Place[])[]): UpstreamPlan {
  return {
    groups: groups.map((servers, index) => ({
      name: `group${index}`,
      servers: servers.map(({ address, port }) => ({
        address,
        port,
        family: address.includes(':') ? 6 : 4,
      })),
    })),
  };
}

export class Rig {
  nowMs = 1000;
  readonly inflight: Inflight;
  /** Events per flight slot, to see that each comes once. */
  events = 0;
  /** What the events refuse as malformed. */
  isUnfit: ((octets: Buffer) => boolean) | null = null;
  /** Called when the flight is released. */
  onReleased: (() => void) | null = null;
  readonly #resolvers: (((outcome: Outcome) => void) | null)[] = [];
  #upstreams: Upstreams | null = null;

  constructor(flights: number) {
    this.inflight = new Inflight(flights);
  }

  static async open(plan: UpstreamPlan, backend: Backend, flights = 64): Promise<Rig> {
    const rig = new Rig(flights);
    const events = {
      onAnswer: (flight: number, octets: Uint8Array, start: number, end: number) => {
        const copy = Buffer.from(octets.slice(start, end));
        if (rig.isUnfit?.(copy) === true) return false;
        rig.#end(flight, { kind: 'answer', octets: copy, rcode: copy.readUInt8(3) & 15 });
        return true;
      },
      onFailure: (flight: number, ede: number) => rig.#end(flight, { kind: 'failure', ede }),
    };
    const clock = () => rig.nowMs;
    rig.#upstreams = await Upstreams.open(plan, rig.inflight, events, { backend, clock });
    return rig;
  }

  get upstreams(): Upstreams {
    if (this.#upstreams === null) throw new Error('the rig is not open');
    return this.#upstreams;
  }

  /** Submits without flushing. */
  submit(text: string, qtype = 1, keyFlags = 0, group = 0): Promise<Outcome> {
    const flight = this.inflight.acquire(wireName(text), qtype, keyFlags, group, this.nowMs);
    if (flight === -1) throw new Error('no flight is free');
    return new Promise((resolve) => {
      this.#resolvers[flight] = resolve;
      this.upstreams.submit(flight);
    });
  }

  ask(text: string, qtype = 1, keyFlags = 0, group = 0): Promise<Outcome> {
    const outcome = this.submit(text, qtype, keyFlags, group);
    this.upstreams.flush();
    return outcome;
  }

  /** Turns the clock and runs the timers. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.upstreams.tick(this.nowMs);
  }

  close(): void {
    this.#upstreams?.close();
  }

  #end(flight: number, outcome: Outcome): void {
    this.events++;
    const resolve = this.#resolvers[flight];
    if (resolve === null || resolve === undefined) throw new Error('a second event');
    this.#resolvers[flight] = null;
    this.inflight.release(flight);
    this.onReleased?.();
    resolve(outcome);
  }
}
