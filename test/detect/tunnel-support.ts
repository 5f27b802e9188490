/** A valve whose questions are answered by hand, and what its ledgers say. */

import { vi } from 'vitest';
import { createDetectMemory } from '../../src/detect/create.ts';
import { FORWARD, type Query } from '../../src/query.ts';
import { nameToText } from '../../src/wire/text.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles, Valve } from '../support/replay-valve.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] }, inside: { servers: [192.0.2.54] } }
forward: { corp.example: inside }
detect: { quiet: [".hush.example"] }
workloads:
  api: { sources: [10.1.0.0/16], mode: open, allow: [named.lab.example] }
  strict:
    sources: [10.2.0.0/16]
    mode: open
    detect: { tunnel: { threshold: 64, action: deny } }
  others: { sources: [10.3.0.0/24], mode: open }
  many1: { sources: [10.4.1.0/24], mode: open }
  many2: { sources: [10.4.2.0/24], mode: open }
  many3: { sources: [10.4.3.0/24], mode: open }
  many4: { sources: [10.4.4.0/24], mode: open }
`;
export const API = '10.1.0.7';
export const STRICT = '10.2.0.7';

export interface Told {
  readonly name: string;
  readonly type: number;
  readonly score: number;
  readonly threshold: number;
  readonly isDenied: boolean;
  readonly parts: readonly number[];
}

/** What a client got. */
export interface Got {
  readonly isForwarded: boolean;
  readonly rcode: number;
}

export class Lab {
  readonly told: Told[] = [];
  readonly valve: Valve;

  private constructor(valve: Valve) {
    this.valve = valve;
    const { findings } = valve.memory;
    vi.spyOn(findings, 'tell').mockImplementation((query: Query, _label, type) => {
      const { score, threshold, parts } = findings;
      const name = nameToText(query.name.octets.slice(0, query.name.length));
      const isDenied = query.decision.allowed === 0;
      this.told.push({ name, type, score, threshold, isDenied, parts: [...parts] });
      return true;
    });
  }

  static async open(octets?: number): Promise<Lab> {
    const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
    const detect = octets === undefined ? undefined : createDetectMemory(octets);
    return new Lab(new Valve(snapshot, undefined, detect));
  }

  /** Asks and, when it goes upstream, answers: by default that nothing is there. */
  ask(name: string, { type = 'A', from = API, answer = [] as string[] } = {}): Got {
    const { valve } = this;
    const { verdict, client } = valve.send({ from, octets: buildQuery({ name, type }) });
    const asked = valve.asked[0];
    if (verdict === FORWARD && asked !== undefined) {
      const authority = ['. 60 SOA . . 1 1 1 1 60'];
      const sections = answer.length > 0 ? { answer } : { authority };
      valve.answer(asked, answerTo(name, type, sections));
    }
    const response = valve.response(client);
    if (response === null) throw new Error(`${name}: no response`);
    return { isForwarded: verdict === FORWARD, rcode: readMessage(response).rcode };
  }
}

/** The same 64-bit counter each time: text that nobody chose. */
export function* hexTexts(length: number, seed = 1): Generator<string> {
  let state = seed;
  for (;;) {
    let text = '';
    while (text.length < length) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      text += ((state >>> 8) & 0xffff).toString(16).padStart(4, '0');
    }
    yield text.slice(0, length);
  }
}
