/** Compiles the shares of `query_log` and `dnstap` to what the workers read. */

import type { Config } from '../config/types.ts';
import { TAP_ALL, type TapsMemory } from './taps.ts';

export function compileTaps({ queryLog, dnstap, workloads }: Config): TapsMemory {
  const samples = workloads.map(({ sample }) => sample);
  return {
    isOn: queryLog === null && dnstap === null ? 0 : 1,
    log: thresholds(
      queryLog,
      samples.map((sample) => sample.queryLog),
    ),
    dnstap: thresholds(
      dnstap,
      samples.map((sample) => sample.dnstap),
    ),
  };
}

/** Number 0 is the unmapped source, which has the share of the main file. */
function thresholds(
  output: { readonly sample: number } | null,
  own: readonly (number | null)[],
): Int32Array {
  const made = new Int32Array(new SharedArrayBuffer((own.length + 1) * 4));
  if (output === null) return made;
  for (const [number, share] of [null, ...own].entries()) {
    made[number] = Math.round((share ?? output.sample) * TAP_ALL);
  }
  return made;
}
