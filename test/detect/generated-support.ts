/** A workload whose questions are answered by hand, and what is told about it. */

import { vi } from 'vitest';
import { denyGenerated, noteGenerated } from '../../src/detect/generated.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import type { Memory } from '../../src/memory.ts';
import { Query } from '../../src/query.ts';
import { Tables } from '../../src/tables.ts';
import { NOERROR, NXDOMAIN } from '../../src/wire/constants.ts';
import { readName } from '../../src/wire/name.ts';
import { nameToText, nameToWire } from '../../src/wire/text.ts';
import { workerMemory } from '../support/memory.ts';
import { compileFiles } from '../support/replay-valve.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] }, inside: { servers: [192.0.2.54] } }
forward: { corp: inside }
detect: { quiet: [".hush"] }
workloads:
  api: { sources: [10.1.0.0/16], mode: open }
  strict: { sources: [10.2.0.0/16], mode: open, detect: { generated: { action: deny } } }
`;
/** Numbers of the two workloads. */
export const API = 1;
export const STRICT = 2;
const DAY_MS = 1_700_000_000_000;

export interface Told {
  readonly name: string;
  readonly type: number;
  readonly score: number;
  readonly threshold: number;
  readonly parts: readonly number[];
}

export class Watch {
  readonly told: Told[] = [];
  readonly query = new Query();
  readonly memory: Memory;
  readonly tables: Tables;

  private constructor(tables: Tables) {
    this.tables = tables;
    const ring = new RingWriter(createRing(64));
    this.memory = workerMemory({ ring, storeOctets: 1 << 16, namesPerPair: 16 });
    this.query.wallMs = DAY_MS;
    this.query.workload = API;
    const { findings } = this.memory;
    vi.spyOn(findings, 'tell').mockImplementation(({ name }, _label, type) => {
      const { score, threshold, parts } = findings;
      const text = nameToText(name.octets.subarray(0, name.length));
      this.told.push({ name: text, type, score, threshold, parts: [...parts] });
      return true;
    });
  }

  static async open(): Promise<Watch> {
    const { memory } = await compileFiles({ 'main.yaml': CONFIG }, 1);
    return new Watch(new Tables(memory));
  }

  pass(seconds: number): void {
    this.query.wallMs += seconds * 1000;
  }

  /** Every second one of these names is asked for, and does not exist. */
  missing(...names: readonly string[]): void {
    for (const name of names) this.#answer(name, NXDOMAIN, 0);
  }

  existing(...names: readonly string[]): void {
    for (const name of names) this.#answer(name, NOERROR, 1);
  }

  /** Whether the workload may ask for it, as far as generated names go. */
  allows(name: string): boolean {
    this.#read(name);
    this.query.decision.allowed = 1;
    denyGenerated(this.query, this.tables, this.memory);
    return this.query.decision.allowed === 1;
  }

  #answer(name: string, rcode: number, answers: number): void {
    this.#read(name);
    this.memory.clean.rcode = rcode;
    this.memory.clean.answers = answers;
    noteGenerated(this.query, this.tables, this.memory);
    this.pass(1);
  }

  #read(name: string): void {
    const wire = nameToWire(name);
    readName(wire, 0, wire.length, this.query.name);
  }
}

/** Written by hand, as families of generators write. */
export const LETTERS = [
  'xkqvwzhtrpl.com',
  'bqzjfwmxkdu.net',
  'vhtqpzkwgxr.org',
  'zpwrkqxjvbn.info',
  'qxgkzvtwplh.com',
  'wjzkqxvbtrd.biz',
];

export const PHRASES = [
  'gentlewindow',
  'quietgarden',
  'summerpaper',
  'brokenengine',
  'silverletter',
  'hungrywinter',
  'doctorbridge',
  'kitchenstranger',
  'morningdanger',
  'yellowsister',
  'throughmarket',
  'prettyanswer',
  'distantpromise',
  'captainbutter',
  'orderpicture',
  'smallthunder',
  'chairbefore',
  'soldierlight',
  'betweenriver',
  'animalspeak',
].map((label) => `${label}.net`);

/** As people mistype, and as sites that are gone were called. */
export const SLIPS = [
  'pixelhaus.de',
  'mycoolblogz.com',
  'fotoworldonline.net',
  'techgadgetz.co.uk',
  'cafelunaroma.it',
  'zapatosya.es',
  'superfilmes.com.br',
  'nordbikes.se',
  'autocentrumplus.pl',
  'webshop4you.nl',
  'partyflokati.ch',
  'learnguitarfast.com',
  'gamerzhub.io',
  'domstroy.ru',
  'hotelparadiso.gr',
  'tokyosushi.jp',
  'realtyonline.ca',
  'happydogs.com.au',
  'kinomax.ua',
  'ecobaby.fr',
];
