/** The writer thread of `victim.ts`: 5,000 new names a second until it is killed. */

import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { FLAG_FIRST } from '../../../src/events/kinds.ts';
import { type RingMemory, RingWriter } from '../../../src/events/ring.ts';
import { writeRecord } from './records.ts';

const writer = new RingWriter(workerData as RingMemory);
let count = 0;

setInterval(() => {
  const lines: string[] = [];
  const firstMs = Date.now();
  for (let i = 0; i < 50; i++) {
    const name = `name-${count}.test`;
    if (!writeRecord(writer, { name, allowed: 1, flags: FLAG_FIRST, firstMs })) continue;
    lines.push(`${Date.now()} ${name}\n`);
    count += 1;
  }
  writeSync(1, lines.join(''));
}, 10);
