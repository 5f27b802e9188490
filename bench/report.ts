/** Figures of a scenario into Markdown. */

import type { Run } from './load.ts';
import type { Entrant } from './measure.ts';
import { median, table, whole } from './median.ts';
import type { ScenarioPlan } from './scenario.ts';

const OWN = new Set(['floor', 'dnsvalve']);
/** From this share of its core on that was idle, or used by others, a row says so. */
const NOTABLE = 0.1;

const HEAD = [
  'server',
  'CPU µs/query',
  'lowest – highest',
  '× floor',
  '× best peer',
  'queries/s',
  'p50 µs',
  'p99 µs',
  'p99.9 µs',
  'RSS MB',
  'core busy',
  'load busy',
  'remark',
];

/** One table for a scenario, cheapest first. */
export function scenarioTable(plan: ScenarioPlan, entrants: readonly Entrant[]): string {
  const cost = new Map(entrants.map((one) => [one.contestant.name, of(one.runs, 'cpuMicros')]));
  const floor = cost.get('floor');
  const best = bestPeer(cost);
  const rows = [...entrants]
    .sort((a, b) => of(a.runs, 'cpuMicros') - of(b.runs, 'cpuMicros'))
    .map((entrant) => {
      const { runs } = entrant;
      const micros = of(runs, 'cpuMicros');
      return [
        entrant.contestant.name,
        micros.toFixed(2),
        range(runs),
        floor === undefined ? '' : (micros / floor).toFixed(2),
        Number.isFinite(best) ? (micros / best).toFixed(2) : '',
        whole(of(runs, 'queriesPerSecond')),
        whole(seen(runs, 'p50')),
        whole(seen(runs, 'p99')),
        whole(seen(runs, 'p999')),
        whole(of(runs, 'residentMegabytes')),
        percent(of(runs, 'serverBusy')),
        percent(of(runs, 'loadBusy')),
        remark(entrant),
      ];
    });
  const valve = entrants.find(({ contestant }) => contestant.name === 'dnsvalve');
  return [
    `### (${plan.key}) ${plan.title}\n`,
    threadLine(valve?.runs ?? []),
    residentLine(plan, valve?.runs ?? []),
    table(HEAD, rows),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** The lowest cost of a peer; infinite without one. */
export function bestPeer(cost: ReadonlyMap<string, number>): number {
  return Math.min(...[...cost].filter(([name]) => !OWN.has(name)).map(([, micros]) => micros));
}

/** Where the valve's time goes. */
export function threadLine(runs: readonly Run[]): string {
  const names = new Set(runs.flatMap((run) => [...run.threadMicros.keys()]));
  const parts = [...names]
    .map((name) => [name, median(runs.map((run) => run.threadMicros.get(name) ?? 0))] as const)
    .filter(([, micros]) => micros >= 0.005)
    .sort(([, a], [, b]) => b - a)
    .map(([name, micros]) => `${name} ${micros.toFixed(2)}`);
  return parts.length === 0 ? '' : `dnsvalve by thread, µs/query: ${parts.join(', ')}\n`;
}

/** Whether memory grows with names that never come again. */
function residentLine({ freshRate }: ScenarioPlan, runs: readonly Run[]): string {
  if (freshRate === 0) return '';
  const resident = runs.flatMap(({ residentOverTime }) => residentOverTime);
  const shown = Array.from({ length: 9 }, (_, i) =>
    whole(resident[Math.floor((i * (resident.length - 1)) / 8)] ?? Number.NaN),
  );
  return `dnsvalve, resident MB from the first to the last measured second: ${shown.join(', ')}\n`;
}

function range(runs: readonly Run[]): string {
  const all = runs.map((run) => run.cpuMicros);
  return `${Math.min(...all).toFixed(2)} – ${Math.max(...all).toFixed(2)}`;
}

/** What makes a row less than it seems. */
function remark({ runs, wrong }: Entrant): string {
  const remarks = [...wrong];
  const idle = of(runs, 'coreIdle');
  const others = 1 - idle - of(runs, 'serverBusy');
  if (idle > NOTABLE) remarks.push(`its core idle ${percent(idle)} of the time`);
  if (others > NOTABLE) remarks.push(`others used ${percent(others)} of its core`);
  return remarks.join('; ');
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

type Figure =
  | 'cpuMicros'
  | 'queriesPerSecond'
  | 'residentMegabytes'
  | 'serverBusy'
  | 'loadBusy'
  | 'coreIdle';

function of(runs: readonly Run[], key: Figure): number {
  return median(runs.map((run) => run[key]));
}

export function seen(runs: readonly Run[], key: 'p50' | 'p99' | 'p999' | 'max'): number {
  return median(runs.map((run) => run.seen[key]));
}
