/** `npm run soak -- --minutes 30 --seed N`: the soak at length, and its figures. */

import { parseArgs } from 'node:util';
import { QUANTITIES } from './memory.ts';
import { Soak, type SoakReport } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '1500' },
    workers: { type: 'string', default: '2' },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function print(report: SoakReport): void {
  const { counts, fits } = report;
  say(`asked ${report.asked}, answers ${counts.answers}, lost ${counts.lost}`);
  say(`late while the machine stalled, not judged: ${counts.excused}`);
  say(
    `wrong ${report.wrong}; SERVFAIL ${counts.servfail}, all of them in outages if none is wrong`,
  );
  say(`denied ${counts.denied}, clocks ${counts.ticks}, allowed by a reload ${counts.switched}`);
  say(`Unbound asked again ${report.oracleAsked} times, other answers ${report.doubts.length}`);
  say(`slowest answer outside of outages ${report.slowestMs} ms`);
  say(`events ${JSON.stringify(report.events)}, feed versions ${report.feedVersions}`);
  for (const quantity of QUANTITIES) {
    const { first, last, perHour, r2 } = fits[quantity];
    const slope = `${perHour >= 0 ? '+' : ''}${perHour.toFixed(2)} an hour`;
    say(`${quantity}: ${first.toFixed(1)} to ${last.toFixed(1)}, ${slope}, R2 ${r2.toFixed(2)}`);
  }
  for (const line of [...report.examples, ...report.doubts.slice(0, 10)]) say(line);
  say(`exit status ${report.status}`);
}

const shape = {
  seconds: Number(values.minutes) * 60,
  seed: Number(values.seed),
  perSecond: Number(values.rate),
  workers: Number(values.workers),
};
say(`seed ${shape.seed}, ${shape.seconds} s, ${shape.perSecond} queries a second`);
const report = await new Soak({ ...shape, onProgress: say }).run();
print(report);
const isClean = report.wrong === 0 && report.doubts.length === 0 && report.status === 0;
process.exit(isClean ? 0 : 1);
