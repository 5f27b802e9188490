/** What is set about baselines, for one workload; and the bounds that are not set by anybody. */

import type { Detect, WorkloadDetect } from '../config/types.ts';
import { HOUR_MS } from './hours.ts';

export interface BaselineSettings {
  /** `off`: it is counted and shown, and nothing is told. */
  readonly action: 'alert' | 'off';
  /** Hours that must have been watched before the hour of the week counts, 24 or more. */
  readonly learningHours: number;
  /** How many times the usual is told, more than 1. */
  readonly factor: number;
  /** Queries, new domains and NXDOMAINs of one hour that are never told. */
  readonly floors: Floors;
  /** For how long after its first query the new domains of a workload are summed up, ms. */
  readonly burnInMs: number;
}

export interface Floors {
  readonly queries: number;
  readonly fresh: number;
  readonly nxdomain: number;
}

export const DEFAULTS: BaselineSettings = {
  action: 'alert',
  learningHours: 7 * 24,
  factor: 4,
  floors: { queries: 300, fresh: 20, nxdomain: 100 },
  burnInMs: HOUR_MS,
};

/** The settings of a configuration, for a workload that may have its own. */
export function baselineOf(main: Detect, own: WorkloadDetect | null): BaselineSettings {
  const { action, factor, learningMs, burnInMs } = main.baseline;
  return {
    action: own?.baseline.action ?? action,
    factor: own?.baseline.factor ?? factor,
    learningHours: Math.ceil(learningMs / HOUR_MS),
    floors: DEFAULTS.floors,
    burnInMs,
  };
}

/** It counts, and tells nothing. */
export const SILENT: BaselineSettings = { ...DEFAULTS, action: 'off', burnInMs: 0 };

/** `learning, 3 of 7 days`, or that it is done. */
export function learningText(watchedHours: number, learningHours: number): string {
  const days = (hours: number): number => Math.floor(hours / 24);
  if (watchedHours < learningHours) {
    return `learning, ${days(watchedHours)} of ${days(learningHours)} days`;
  }
  return `learnt from ${days(watchedHours)} days`;
}

/** Hours that must have been watched before volume is judged at all. */
export const VOLUME_LEARNING_HOURS = 24;

/**
 * What is learnt of an hour is at most this many times what was usual a week before: who raises
 * the usual on purpose can double it in a week and no faster, however much he asks for.
 */
export const GROWTH_PER_WEEK = 2;

/** Of an hour's queries that do not exist, what is never told whatever is usual. */
export const SHARE_FLOOR = 0.2;
