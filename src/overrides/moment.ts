/** The clocks of this machine, as clock.ts wants them. */

import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Moment } from './clock.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** @returns a clock; what it says of the boot is read once, because it cannot change */
export function machineClock(): () => Moment {
  const bootId = readBootId();
  // The time since boot is that of /proc/uptime: with the time that the machine slept.
  return () => ({ wallMs: Date.now(), bootId, bootMs: Math.round(uptime() * 1000) });
}

/** Without one every start counts as a boot. */
function readBootId(): string {
  try {
    return readFileSync(BOOT_ID, 'latin1').trim();
  } catch {
    return `${process.pid} ${Date.now()}`;
  }
}
