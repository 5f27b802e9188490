/**
 * What V8 did with each function of a program that ran with --trace-opt and --trace-deopt: how often
 * it had to give up optimised code, and whether it had any at the end.
 */

import { execFileSync } from 'node:child_process';

export interface Fate {
  bailouts: number;
  isOptimised: boolean;
}

const OPTIMISED = /^\[completed (?:compiling|optimizing) 0x[0-9a-f]+ <JSFunction ([^\s(]+) /;
/** Leaving a loop's own code for the function's is no failure. */
const BAILOUT = /^\[bailout \(kind: [\w-]+, reason: (?!prepare for).*<JSFunction ([^\s(]+) /;

/** Runs a script to its end. @returns by the function's name */
export function fatesOf(script: string, ...flags: readonly string[]): Map<string, Fate> {
  // Compiled at once and not beside: then two runs see the same.
  const tracing = ['--no-concurrent-recompilation', '--trace-opt', '--trace-deopt'];
  const args = [...tracing, ...flags, script];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  const fates = new Map<string, Fate>();
  for (const line of text.split('\n')) {
    const optimised = OPTIMISED.exec(line)?.[1];
    const left = BAILOUT.exec(line)?.[1];
    const name = optimised ?? left;
    if (name === undefined) continue;
    const fate = fates.get(name) ?? { bailouts: 0, isOptimised: false };
    fates.set(name, fate);
    fate.isOptimised = optimised !== undefined;
    if (left !== undefined) fate.bailouts++;
  }
  return fates;
}
