/** The options of `npm run bench`. */

import { parseArgs } from 'node:util';
import { PEERS } from './peers.ts';

export interface Options {
  /** Of one run. */
  readonly seconds: number;
  /** Runs of each server in each scenario. */
  readonly rounds: number;
  /** Keys of the scenarios to measure. */
  readonly only: ReadonlySet<string>;
  /** Names of the peers to measure beside. */
  readonly peers: ReadonlySet<string>;
}

const KEYS = ['a', 'b', 'c', 'd', 'e'];

/** @throws Error naming what would be accepted */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: KEYS.join(',') },
      peers: { type: 'string', default: PEERS.map(({ name }) => name).join(',') },
    },
  });
  const names = PEERS.map(({ name }) => name);
  return {
    seconds: whole('seconds', values.seconds, 60),
    rounds: whole('rounds', values.rounds, 20),
    only: choice('only', values.only, KEYS),
    peers: choice('peers', values.peers, names),
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
