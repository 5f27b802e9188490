/**
 * The operational log: what the program itself has to say, one JSON line each, to standard error
 * (journald adds the time and keeps it). Never a line per query; queries are counted and recorded.
 */

import { pino } from 'pino';

export type Log = Pick<import('pino').Logger, 'info' | 'warn' | 'error'>;

export function createLog(level: string): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}
