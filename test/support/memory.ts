/** The memory of one worker, for tests that drive the pipeline without its thread. */

import { createCounters } from '../../src/counters.ts';
import { createDetectMemory } from '../../src/detect/create.ts';
import { Memory, type MemorySettings } from '../../src/memory.ts';
import { SECRETS_SIZE } from '../../src/wire/cookie.ts';

const DETECT_OCTETS = 1 << 20;

type Given = Pick<MemorySettings, 'ring' | 'storeOctets' | 'namesPerPair'> &
  Partial<MemorySettings>;

export function workerMemory(given: Given): Memory {
  const detect = given.detect ?? createDetectMemory(DETECT_OCTETS);
  const cookieSecrets = given.cookieSecrets ?? new Int32Array(SECRETS_SIZE);
  return new Memory({ counters: createCounters(), owner: 1, ...given, detect, cookieSecrets });
}
