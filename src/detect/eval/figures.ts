/**
 * Figures: what the scores come to, as plain values with the names that `--json` prints. The text
 * of the report is made of them too, so that both say the same.
 */

import { describe, type Part } from '../wording.ts';
import type { Alert, Source } from './benign.ts';
import type { CaptureCounts } from './conversation.ts';
import { FINDING_NAMES } from './finding.ts';
import type { Scores } from './scores.ts';
import { isMain, type Session, type SizeClass } from './sessions.ts';
import { poissonBound, ratio, type Spread, spreadOf } from './statistics.ts';

export interface Found {
  readonly found: number;
  readonly sessions: number;
}

export interface ToolFigures extends Found {
  readonly tool: string;
  readonly by_size: Readonly<Record<SizeClass, Found>>;
  /** Of the sessions of the main rate that were found. */
  readonly queries_to_alarm: Spread;
  readonly octets_to_alarm: Spread;
  /** Sessions by what was told first. */
  readonly first_alarm: Readonly<Record<string, number>>;
}

export interface MainFigures extends Found {
  /** Found of those that carried 300 octets or more within a day, below a zone. */
  readonly recall: number | null;
  /** Of alarms, each a (client, domain) or a client, those about a session. */
  readonly precision: number | null;
  readonly queries_to_alarm: Spread;
  /** The largest is the leak bound: what any session carried out before its alarm. */
  readonly octets_to_alarm: Spread;
}

export interface MissedSession {
  readonly source: string;
  readonly session: string;
  readonly tool: string;
  readonly size: SizeClass;
  readonly queries: number;
  readonly octets: number;
}

export interface SourceFigures {
  readonly source: string;
  readonly queries: number;
  readonly forwarded: number;
  readonly denied: number;
  /** Of sources that no workload claims. */
  readonly unmapped: number;
  readonly clients: number;
  readonly client_days: number;
  readonly pairs: number;
  /** Of data in names and answers. */
  readonly alarms: number;
  /** Of generated names, reputation and the like. */
  readonly other_alerts: number;
  readonly alerts_per_10000_queries: number | null;
  readonly alarms_per_client_day: number | null;
  readonly alarms_per_100000_pairs: number | null;
}

export interface TrafficFigures {
  readonly sources: readonly SourceFigures[];
  readonly total: SourceFigures & {
    /** At most so many with a confidence of 95 % (Poisson). */
    readonly at_most_per_client_day: number | null;
    readonly at_most_per_100000_pairs: number | null;
  };
  readonly alerts: readonly AlertFigures[];
}

export interface AlertFigures {
  readonly source: string;
  readonly client: string;
  readonly domain: string;
  readonly type: string;
  readonly score: number;
  readonly threshold: number;
  readonly denied: boolean;
  readonly count: number;
  readonly seconds: number;
  readonly summary: string;
  readonly parts: readonly Part[];
}

const SIZES: readonly SizeClass[] = ['small', 'medium', 'large', 'slow', 'zoneless'];

export function foundOf(sessions: readonly Session[]): Found {
  return {
    found: sessions.filter(({ alarm }) => alarm !== null).length,
    sessions: sessions.length,
  };
}

/** Queries and octets until the alarm, of those that had one. */
export function toAlarm(sessions: readonly Session[]): {
  readonly queries_to_alarm: Spread;
  readonly octets_to_alarm: Spread;
} {
  const alarms = sessions.flatMap(({ alarm }) => (alarm === null ? [] : [alarm]));
  return {
    queries_to_alarm: spreadOf(alarms.map(({ queries }) => queries)),
    octets_to_alarm: spreadOf(alarms.map(({ octets }) => octets)),
  };
}

export function toolFigures({ sessions }: Scores): ToolFigures[] {
  const tools = Map.groupBy(sessions, ({ truth }) => truth.tool);
  return [...tools].map(([tool, own]) => {
    const sizes = Map.groupBy(own, ({ sizeClass }) => sizeClass);
    const bySize = SIZES.map((size) => [size, foundOf(sizes.get(size) ?? [])] as const);
    const first: Record<string, number> = {};
    for (const { alarm } of own) {
      if (alarm === null) continue;
      const type = FINDING_NAMES.get(alarm.type) ?? 'denied';
      first[type] = (first[type] ?? 0) + 1;
    }
    const by_size = Object.fromEntries(bySize) as Record<SizeClass, Found>;
    return { tool, ...foundOf(own), by_size, ...toAlarm(own.filter(isMain)), first_alarm: first };
  });
}

export function mainFigures({ sessions, benign }: Scores): MainFigures {
  const main = foundOf(sessions.filter(isMain));
  const told = foundOf(sessions).found;
  const wrong = [...benign.values()].reduce((sum, { carrying }) => sum + carrying, 0);
  return {
    ...main,
    recall: ratio(main.found, main.sessions),
    precision: ratio(told, told + wrong),
    ...toAlarm(sessions.filter(isMain)),
  };
}

/** Sessions of which nothing was told although they said enough. */
export function missedSessions({ sessions }: Scores): MissedSession[] {
  return sessions
    .filter(({ alarm, sizeClass }) => {
      return alarm === null && sizeClass !== 'slow' && sizeClass !== 'small';
    })
    .map((session) => ({
      source: session.source,
      session: session.truth.session,
      tool: session.truth.tool,
      size: session.sizeClass,
      queries: session.queries,
      octets: session.octets,
    }));
}

/** null where there was no such traffic. */
export function trafficFigures(sources: ReadonlyMap<string, Source>): TrafficFigures | null {
  if (sources.size === 0) return null;
  const all = [...sources.values()];
  const rows = all.map((source) => sourceFigures(source.name, [source]));
  const total = sourceFigures('total', all);
  const bound = poissonBound(total.alarms);
  return {
    sources: rows,
    total: {
      ...total,
      at_most_per_client_day: ratio(bound, total.client_days),
      at_most_per_100000_pairs: ratio(bound * 100_000, total.pairs),
    },
    alerts: all.flatMap(({ alerts }) => [...alerts.values()].map(alertFigures)),
  };
}

function sourceFigures(name: string, sources: readonly Source[]): SourceFigures {
  const sum = (of: (source: Source) => number): number =>
    sources.reduce((total, source) => total + of(source), 0);
  const queries = sum((source) => source.queries);
  const days = sum((source) => source.clientDays);
  const pairs = sum((source) => source.pairs);
  const alerts = sum((source) => source.alerts.size);
  const alarms = sum((source) => source.carrying);
  return {
    source: name,
    queries,
    forwarded: sum((source) => source.forwarded),
    denied: sum((source) => source.denied),
    unmapped: sum((source) => source.unmapped),
    clients: sum((source) => source.clients),
    client_days: days,
    pairs,
    alarms,
    other_alerts: alerts - alarms,
    alerts_per_10000_queries: ratio(alerts * 10_000, queries),
    alarms_per_client_day: ratio(alarms, days),
    alarms_per_100000_pairs: ratio(alarms * 100_000, pairs),
  };
}

function alertFigures({ source, client, domain, finding, seconds, count }: Alert): AlertFigures {
  const { type, score, threshold, isDenied, parts } = finding;
  const name = FINDING_NAMES.get(type) ?? `type ${type}`;
  const said = describe(type, score, threshold, parts);
  const about = { source, client, domain, type: name, score, threshold };
  return { ...about, denied: isDenied, count, seconds, ...said };
}

export interface CaptureFigures {
  readonly file: string;
  readonly frames: number;
  readonly queries_udp: number;
  readonly queries_tcp: number;
  /** Parts of IP datagrams; packets shorter than their headers say. */
  readonly fragments: number;
  readonly cut: number;
  /** On port 53, and no question of class IN or its response. */
  readonly unreadable: number;
  readonly tcp_gaps: number;
  /** Responses to what the capture does not hold. */
  readonly unasked: number;
}

export function captureFigures(file: string, counts: CaptureCounts): CaptureFigures {
  const { overUdp, overTcp, lost, ...rest } = counts;
  return { file, ...rest, queries_udp: overUdp, queries_tcp: overTcp, tcp_gaps: lost };
}
