/**
 * A process to be killed: a recorder thread and a writer thread that fills its ring. It prints one
 * line per record, `<ms since start> <name>`, after the record was published.
 */

import { Worker } from 'node:worker_threads';
import { createRing } from '../../../src/events/ring.ts';
import { startRecorder } from '../../../src/history/start.ts';
import { packTexts } from '../../../src/policy/rules.ts';

const path = process.argv[2] ?? '';
const ring = createRing(65536);
const recorder = startRecorder(
  { path, rings: [ring], flushMs: 500, namesPerDomain: 5, retentionMs: 86_400_000 },
  {
    onObservations: () => {},
    onStats: () => {},
    onUnusual: () => {},
    onBurnInEnd: () => {},
    onNotice: (_, message) => process.stderr.write(`${message}\n`),
    onExit: (reason) => process.exit(reason === '' ? 1 : 2),
  },
);
recorder.revision({
  revision: 1,
  workloads: ['(unmapped)', 'pay'],
  rules: packTexts(['']),
  at: Date.now(),
});
new Worker(new URL('./victim-writer.ts', import.meta.url), { workerData: ring });
