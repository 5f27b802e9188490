/** Who stands back behind the threads that answer, as the kernel sees it. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { helpersStandBack } from '../../src/priority.ts';
import { Valve } from '../support/valve.ts';

/** Nice values of the threads of a process, by the name of the thread. */
function nices(pid: number): Map<string, number[]> {
  const tasks = `/proc/${pid}/task`;
  const found = new Map<string, number[]>();
  for (const id of readdirSync(tasks)) {
    const stat = readFileSync(`${tasks}/${id}/stat`, 'latin1');
    const end = stat.lastIndexOf(')');
    const name = stat.slice(stat.indexOf('(') + 1, end);
    // Field 19 of the line, the 17th after the name.
    const nice = Number(stat.slice(end + 2).split(' ')[16]);
    found.set(name, [...(found.get(name) ?? []), nice]);
  }
  return found;
}

describe('priorities', () => {
  it('puts the recorder and the helpers of V8 behind the workers', async () => {
    const valve = await Valve.start({ config: 'workloads: {}' });
    const pid = valve.program.child.pid ?? 0;
    // The recorder may still be loading its program.
    await expect.poll(() => nices(pid).get('dnsvalve-record')).toEqual([5]);
    const found = nices(pid);
    await valve.stop();
    // Linux keeps 15 octets of a name.
    expect(found.get('dnsvalve-worker')).toEqual([0]);
    expect(new Set(found.get('V8Worker'))).toEqual(new Set([10]));
  });

  it('does nothing where /proc is not there', () => {
    expect(helpersStandBack('/nowhere')).toEqual([]);
  });
});
