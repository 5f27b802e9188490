/**
 * `npm run faults -- --kills 200 --seed N`: the kill campaign at length, and its figures. Every ten
 * kills it says how far it has come, and with which options a run that is cut off goes on.
 */

import { parseArgs } from 'node:util';
import { Campaign } from './campaign.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '1' },
    quiet: { type: 'boolean', default: false },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const [kills, seed, first] = [values.kills, values.seed, values.first].map(Number) as [
  number,
  number,
  number,
];
const shape = { kills, seed, first };
const begun = performance.now();
say(`seed ${seed}, kills ${first} to ${kills}`);
const report = await new Campaign(values.quiet ? shape : { ...shape, onRound: say }).run();
for (const [key, value] of Object.entries(report)) say(`${key}: ${JSON.stringify(value)}`);
say(`${Math.round((performance.now() - begun) / 1000)} s`);
process.exit(report.problems.length === 0 && report.status === 0 ? 0 : 1);
