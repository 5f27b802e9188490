/** Figures into Markdown. */

import type { Run } from './load.ts';
import type { ScenarioPlan } from './scenario.ts';

const OWN = new Set(['floor', 'dnsvalve']);
/** Below this share of expected answers a row does not count: it says so instead. */
const EXPECTED_MIN = 0.99;

/** One table for a scenario, cheapest first. */
export function scenarioTable(
  plan: ScenarioPlan,
  runs: ReadonlyMap<string, readonly Run[]>,
  loadSeconds: ReadonlyMap<string, number>,
): string {
  const cost = new Map([...runs].map(([name, list]) => [name, median(list, 'cpuMicros')]));
  const floor = cost.get('floor');
  const best = Math.min(
    ...[...cost].filter(([name]) => !OWN.has(name)).map(([, micros]) => micros),
  );
  const rows = [...runs]
    .sort(([a], [b]) => (cost.get(a) ?? 0) - (cost.get(b) ?? 0))
    .map(([name, list]) => {
      const micros = cost.get(name) ?? 0;
      return [
        name,
        micros.toFixed(2),
        range(list),
        floor === undefined ? '' : (micros / floor).toFixed(2),
        Number.isFinite(best) ? (micros / best).toFixed(2) : '',
        Math.round(median(list, 'queriesPerSecond')).toLocaleString('en'),
        Math.round(median(list, 'latencyMicros')).toLocaleString('en'),
        Math.round(median(list, 'residentMegabytes')),
        (loadSeconds.get(name) ?? 0).toFixed(1),
        remark(name, list),
      ];
    });
  return [
    `### (${plan.key}) ${plan.title}\n`,
    threadLine(runs.get('dnsvalve') ?? []),
    table(
      [
        'server',
        'CPU µs/query',
        'lowest – highest',
        '× floor',
        '× best peer',
        'queries/s',
        'latency µs',
        'RSS MB',
        'start s',
        'remark',
      ],
      rows,
    ),
  ].join('\n');
}

/** Where the valve's time goes. */
function threadLine(list: readonly Run[]): string {
  const names = new Set(list.flatMap((run) => [...run.threadMicros.keys()]));
  const parts = [...names]
    .map((name) => [name, middle(list.map((run) => run.threadMicros.get(name) ?? 0))] as const)
    .filter(([, micros]) => micros >= 0.005)
    .sort(([, a], [, b]) => b - a)
    .map(([name, micros]) => `${name} ${micros.toFixed(2)}`);
  return parts.length === 0 ? '' : `dnsvalve by thread, µs/query: ${parts.join(', ')}\n`;
}

function range(list: readonly Run[]): string {
  const all = list.map((run) => run.cpuMicros);
  return `${Math.min(...all).toFixed(2)} – ${Math.max(...all).toFixed(2)}`;
}

/** What makes a row less than it seems. */
function remark(name: string, list: readonly Run[]): string {
  const remarks: string[] = [];
  const expected = median(list, 'expectedShare');
  const lost = median(list, 'lostShare');
  if (name !== 'floor' && expected < EXPECTED_MIN) {
    remarks.push(`only ${(expected * 100).toFixed(1)} % answered as expected`);
  }
  if (lost > 0.0005) remarks.push(`${(lost * 100).toFixed(1)} % lost`);
  return remarks.join('; ');
}

function median(list: readonly Run[], key: Exclude<keyof Run, 'threadMicros'>): number {
  return middle(list.map((run) => run[key]));
}

function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >>> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? 0)) / 2;
}

export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}
