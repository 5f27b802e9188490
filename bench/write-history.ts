/**
 * (j) The history at 10,000,000 rows, by history.ts as a process of its own on both cores: what it
 * prints, and the figures of the goals read from it.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.ts';
import { LOAD_CORE, SERVER_CORE } from './server.ts';

const PROGRAM = fileURLToPath(new URL('history.ts', import.meta.url));
const RATE = 50_000;
/** Of a question: its time within the process, and as a whole command (questions.ts). */
const ASKED = /^\| [a-z][^|]+ \| \d+ \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \|$/gm;
/** Of all runs of the recorder (history.ts). */
const SHED = /^\| median \| \d+ \| (\d+) \|/m;

export const historyFile = (bench: Bench): string => join(bench.directory, 'history-large.db');

export async function measureHistory(bench: Bench): Promise<void> {
  const { pairs, historySeconds } = bench.options;
  const args = [PROGRAM, '--pairs', String(pairs), '--seconds', String(historySeconds)];
  args.push('--rate', String(RATE), '--db', historyFile(bench));
  bench.note(`j: ${pairs} pairs, then ${RATE}/s for ${historySeconds} s`);
  const cores = `${SERVER_CORE},${LOAD_CORE}`;
  const child = spawn('taskset', ['-c', cores, process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [status] = await once(child, 'close');
  bench.say('### (j) history\n');
  bench.say(`\`\`\`\n${text.trimEnd()}\n\`\`\`\n`);
  if (status !== 0) bench.problem(`(j) history.ts ended with status ${status}`);
  keepFacts(bench, text);
}

function keepFacts(bench: Bench, text: string): void {
  const shed = SHED.exec(text)?.[1];
  if (shed !== undefined) bench.facts.set('j.shed', Number(shed));
  const asked = [...text.matchAll(ASKED)];
  if (asked.length === 0) return;
  bench.facts.set('j.inside', Math.max(...asked.map(([, inside]) => Number(inside))));
  bench.facts.set('j.command', Math.max(...asked.map(([, , command]) => Number(command))));
}
