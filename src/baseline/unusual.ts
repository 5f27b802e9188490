/** What baselines have to tell: plain data, from the recorder to main. Not yet an alert. */

/** `queries` and `fresh` (new domains) are volume; `nxdomain` is names that do not exist. */
export type UnusualKind = 'queries' | 'fresh' | 'nxdomain';

export interface Unusual {
  readonly kind: UnusualKind;
  readonly workload: string;
  /** When the hour began, and the last query counted, ms since the epoch. */
  readonly hourMs: number;
  readonly atMs: number;
  /** What there is of it in this hour so far, and the queries let through in all. */
  readonly count: number;
  readonly queries: number;
  /** More than this is told. */
  readonly limit: number;
  /** What is usual: 10th percentile, and 90th (95th but for `queries`). */
  readonly low: number;
  readonly high: number;
  /** Hours that this is known from; whether of this hour of the week. */
  readonly learntHours: number;
  readonly isByWeek: boolean;
  readonly isUnusualHour: boolean | null;
  /** The domain with most of them, and how many; '' for `fresh`. */
  readonly domain: string;
  readonly domainCount: number;
}

/** The end of a workload's burn-in, with the new domains that were not told one by one. */
export interface BurnInEnd {
  readonly workload: string;
  readonly endMs: number;
  readonly told: number;
  readonly held: number;
}

/** How far it has learnt, for `status`. */
export interface BaselineStats {
  /** Hours watched of the last eight weeks; and how many make the hour of the week count. */
  readonly watchedHours: number;
  readonly learningHours: number;
  /** Workloads whose new domains are summed up now. */
  readonly burningIn: number;
}
