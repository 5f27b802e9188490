/** The options of `npm run bench`. */

import { parseArgs } from 'node:util';
import { PEERS } from './peers.ts';

export type Generator = 'own' | 'dnsperf';

export interface Options {
  /** Of one run. */
  readonly seconds: number;
  /** Runs of each server in each scenario. */
  readonly rounds: number;
  /** Keys of the scenarios to measure. */
  readonly only: ReadonlySet<string>;
  /** Names of the peers to measure beside. */
  readonly peers: ReadonlySet<string>;
  /** What asks in the scenarios over UDP from one address. */
  readonly generator: Generator;
  /** Pairs that the history holds before (j), and seconds for which it is written to. */
  readonly pairs: number;
  readonly historySeconds: number;
}

/** In the order in which they are measured. */
const KEYS = [...'abcdefghijklqrst'];

/** @throws Error naming what would be accepted */
export function readOptions(args: string[]): Options {
  const names = PEERS.map(({ name }) => name);
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: KEYS.join(',') },
      peers: { type: 'string', default: names.join(',') },
      generator: { type: 'string', default: 'own' },
      pairs: { type: 'string', default: '10000000' },
      'history-seconds': { type: 'string', default: '60' },
    },
  });
  const [generator = ''] = choice('generator', values.generator, ['own', 'dnsperf']);
  return {
    seconds: whole('seconds', values.seconds, 60),
    rounds: whole('rounds', values.rounds, 20),
    only: choice('only', values.only, KEYS),
    peers: choice('peers', values.peers, names),
    generator: generator === 'dnsperf' ? 'dnsperf' : 'own',
    pairs: whole('pairs', values.pairs, 100_000_000),
    historySeconds: whole('history-seconds', values['history-seconds'], 600),
  };
}

function whole(name: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`--${name}: a whole number from 1 to ${max}, not "${text}"`);
}

/** A list with commas; the empty one is allowed. */
function choice(name: string, text: string, known: readonly string[]): Set<string> {
  const chosen = text.split(',').filter((item) => item !== '');
  const stranger = chosen.find((item) => !known.includes(item));
  if (stranger === undefined) return new Set(chosen);
  throw new Error(`--${name}: "${stranger}" is none of ${known.join(',')}`);
}
