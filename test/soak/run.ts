/**
 * `npm run soak -- --minutes 30 --seed N --rate R`: the soak at length, and its figures. `--rate
 * half` finds out first how much it answers at most, with the same questions.
 */

import { parseArgs } from 'node:util';
import { growthText } from '../support/growth.ts';
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
  const { counts, fits, stalls, ticks } = report;
  say(`asked ${report.asked}, answers ${counts.answers}, lost ${counts.lost}`);
  say(`read apart ${counts.readApart}, the others had the octets of one that was`);
  say(`the asker took ${report.askerMicros.toFixed(1)} us of a processor for each`);
  say(
    `wrong ${report.wrong}; SERVFAIL ${counts.servfail}, all of them in outages if none is wrong`,
  );
  say(`denied ${counts.denied}, ticks ${counts.ticks}, allowed by a reload ${counts.switched}`);
  say(`of the ticks ${ticks.aged} were seen again, at ages up to ${ticks.oldestMs} ms`);
  say(`a tick took ${ticks.slowestMs} ms from the upstream to the client at most`);
  say(`Unbound asked again ${report.oracleAsked} times, other answers ${report.doubts.length}`);
  say(`slowest answer outside of outages ${report.slowestMs} ms`);
  const covered = Math.round(stalls.coveredMs / 1000);
  say(`stalls of the machine ${stalls.count}, the longest ${stalls.longestMs} ms`);
  say(`${covered} s lie about them, in which ${counts.excused} SERVFAIL were not judged`);
  say(`events ${JSON.stringify(report.events)}, feed versions ${report.feedVersions}`);
  for (const quantity of QUANTITIES) {
    const fit = fits[quantity];
    const [low, high] = [signed(fit.low), signed(fit.high)];
    const slope = `${signed(fit.slope)} an hour (95 %: ${low} to ${high})`;
    say(`${quantity}: ${fit.first.toFixed(1)} to ${fit.last.toFixed(1)}, ${slope}`);
  }
  say(growthText(report.growth));
  for (const line of [...report.examples, ...report.doubts.slice(0, 10)]) say(line);
  say(`exit status ${report.status}`);
}

function signed(value: number): string {
  return `${value >= 0 ? '+' : ''}${value.toFixed(1)}`;
}

const shape = {
  seconds: Number(values.minutes) * 60,
  seed: Number(values.seed),
  perSecond: values.rate === 'half' ? ('half' as const) : Number(values.rate),
  workers: Number(values.workers),
};
say(`seed ${shape.seed}, ${shape.seconds} s, ${shape.perSecond} queries a second`);
const report = await new Soak({ ...shape, onProgress: say }).run();
print(report);
const isFlat = (report.growth?.verdict ?? 'flat') === 'flat';
const isRight = report.wrong === 0 && report.doubts.length === 0;
const isClean = isRight && isFlat && report.status === 0;
process.exit(isClean ? 0 : 1);
