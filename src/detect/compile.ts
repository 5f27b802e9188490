/** Compiles the detectors' settings. Control plane, once per reload. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePattern } from '../config/pattern.ts';
import type { Config, Pattern, WorkloadDetect } from '../config/types.ts';
import { FingerprintsBuilder, type FingerprintsMemory } from '../fingerprints.ts';
import { readName, WireName } from '../wire/name.ts';
import { type DetectSettings, QUIET_BELOW, QUIET_SELF } from './settings.ts';

const QUIET_LIST = join(import.meta.dirname, '..', '..', 'blocklists', 'quiet.txt');
const KIND_BITS = { exact: QUIET_SELF, below: QUIET_BELOW, both: QUIET_SELF | QUIET_BELOW };

export function compileDetect({ detect, workloads }: Config): DetectSettings {
  const count = workloads.length + 1;
  const settings = {
    tunnelThreshold: shared(count).fill(detect.tunnel.threshold),
    tunnelDenySeconds: shared(count),
    generatedThreshold: shared(count),
    burstThreshold: shared(count),
    generatedDenySeconds: shared(count),
    quiet: compileQuiet([...quietList(), ...detect.quiet]),
  };
  for (let number = 0; number < count; number++) {
    const own = workloads[number - 1]?.detect.tunnel;
    settings.tunnelThreshold[number] = own?.threshold ?? detect.tunnel.threshold;
    const denies = (own?.action ?? detect.tunnel.action) === 'deny';
    settings.tunnelDenySeconds[number] = denies ? detect.tunnel.denyForSeconds : 0;
    setGenerated(settings, number, detect.generated, workloads[number - 1]?.detect.generated);
  }
  return settings;
}

function setGenerated(
  settings: DetectSettings,
  number: number,
  all: Config['detect']['generated'],
  own: WorkloadDetect['generated'] | undefined,
): void {
  settings.generatedThreshold[number] = own?.threshold ?? all.threshold;
  settings.burstThreshold[number] = own?.burst ?? all.burst;
  const denies = (own?.action ?? all.action) === 'deny';
  settings.generatedDenySeconds[number] = denies ? all.denyForSeconds : 0;
}

/** Patterns of the list that comes with the program: each name, and all below it. */
export function quietList(): Pattern[] {
  const patterns = readFileSync(QUIET_LIST, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((name) => name !== '')
    .map((name) => parsePattern(`.${name}`));
  return patterns.filter((pattern) => typeof pattern !== 'string');
}

function compileQuiet(patterns: readonly Pattern[]): FingerprintsMemory {
  const builder = new FingerprintsBuilder(patterns.length);
  const name = new WireName();
  for (const { kind, wire } of patterns) {
    readName(wire, 0, wire.length, name);
    const low = name.low[0] ?? 0;
    const high = name.high[0] ?? 0;
    builder.set(low, high, builder.get(low, high) | KIND_BITS[kind]);
  }
  return builder.finish();
}

function shared(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
}
