/** Lays what people have opened and contained over a configuration, as the daemon does. */

import { sharedMsNow } from '../clock.ts';
import { overridesOf } from '../overrides/current.ts';
import { machineClock } from '../overrides/moment.ts';
import { Overlay } from '../overrides/overlay.ts';
import { overridesPath, readOverrides } from '../overrides/read.ts';
import type { Snapshot } from '../server/snapshot.ts';

/** @throws DnsvalveError DATABASE where there is a store that cannot be read */
export function withOverrides(snapshot: Snapshot): Snapshot {
  const now = machineClock()();
  const path = overridesPath(snapshot.config.stateDirectory);
  const overlay = new Overlay({ wallMs: Date.now, sharedMs: sharedMsNow });
  overlay.set(overridesOf(readOverrides(path, now.wallMs), now));
  return overlay.over(snapshot, snapshot.memory.revision);
}
