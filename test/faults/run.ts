/** `npm run faults -- --kills 200 --seed N`: the kill campaign at length, and its figures. */

import { parseArgs } from 'node:util';
import { Campaign } from './campaign.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    quiet: { type: 'boolean', default: false },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const shape = { kills: Number(values.kills), seed: Number(values.seed) };
say(`seed ${shape.seed}, ${shape.kills} kills`);
const report = await new Campaign(values.quiet ? shape : { ...shape, onRound: say }).run();
for (const [key, value] of Object.entries(report)) say(`${key}: ${JSON.stringify(value)}`);
process.exit(report.problems.length === 0 && report.status === 0 ? 0 : 1);
