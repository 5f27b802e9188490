/**
 * What is asked for, checked against the policy in force before anything is kept: a refusal says
 * why, and what would be accepted. What comes from the socket is not trusted to have any form.
 */

import { parse } from 'tldts';
import { isSharedSuffix, parsePattern } from '../config/pattern.ts';
import { didYouMean } from '../config/suggest.ts';
import type { ExceptionSettings, Pattern } from '../config/types.ts';
import { parseDuration } from '../config/units.ts';
import { DnsvalveError } from '../errors.ts';
import { typeFromText } from '../wire/text.ts';
import type { HoldFacts } from './hold.ts';
import type { RequestFacts } from './life.ts';
import { LIFELINES_MAX } from './memory.ts';
import type { PeoplePolicy } from './people.ts';

/** What checking a request needs of the policy in force. */
export interface RequestPolicy extends PeoplePolicy {
  readonly workloads: readonly {
    readonly name: string;
    readonly env: string | null;
    readonly approvers: readonly string[];
  }[];
  /** The rule of `everyone.deny` or of a feed that denies the pattern; null for none. */
  blockedBy(workload: string, pattern: Pattern, type: number): string | null;
}

/** As it came: any JSON value under any key. */
export type Asked = Readonly<Record<string, unknown>>;

const TYPE_A = 1;
const TEXT_MAX = 300;
const TYPES_MAX = 32;
const SHORTEST_MS = 1000;
/** A quarantine that is to last longer is one without an end. */
const LONGEST_HOLD_MS = 90 * 86_400_000;

/** @throws DnsvalveError USAGE with the reason and the accepted form */
export function readRequest(asked: Asked, policy: RequestPolicy): Omit<RequestFacts, 'number'> {
  const workload = knownWorkload(asked['workload'], policy);
  const pattern = narrowPattern(asked['pattern'], 'pattern');
  const types = typesOf(asked['types']);
  const overridesFeeds = asked['override_feeds'] === true;
  const isBreakGlass = asked['now'] === true;
  if (!overridesFeeds) refuseBlocked(workload, pattern, types, policy);
  const { approveWithinMs, breakGlass } = policy.exceptions;
  return {
    workload,
    pattern: pattern.text,
    types,
    overridesFeeds,
    reason: sentence(asked['reason'], '--reason') ?? refuse('--reason: say why, in a sentence'),
    ticket: sentence(asked['ticket'], '--ticket'),
    durationMs: readDuration(asked['for'], workload, policy),
    isBreakGlass,
    approveWithinMs: isBreakGlass ? breakGlass.approveWithinMs : approveWithinMs,
  };
}

/** What an exception may last where nothing else is said, as commands that are shown ask for it. */
const USUAL_MS = 4 * 3_600_000;

/** The longest time of an exception in an environment. */
function longestIn(env: string | null, { maxMs, defaultMaxMs }: ExceptionSettings): number {
  return (env === null ? undefined : maxMs.get(env)) ?? defaultMaxMs;
}

/** The time that a shown command asks for: one that is not refused as too long. */
export function usualTime(env: string | null, settings: ExceptionSettings): string {
  const ms = Math.min(USUAL_MS, longestIn(env, settings));
  return durationText(Math.floor(ms / 1000) * 1000);
}

/** The time of an exception. @throws DnsvalveError USAGE beyond what its environment may have */
export function readDuration(asked: unknown, workload: string, policy: RequestPolicy): number {
  const text = typeof asked === 'string' ? asked : '';
  const durationMs = parseDuration(text);
  const env = policy.workloads.find(({ name }) => name === workload)?.env ?? null;
  const longestMs = longestIn(env, policy.exceptions);
  const accepted = `accepted is up to ${durationText(longestMs)}`;
  if (durationMs === null) refuse(`--for: give how long, like 30m or 4h; ${accepted}`);
  if (durationMs < SHORTEST_MS) refuse(`--for ${text}: shorter than a second; ${accepted}`);
  if (durationMs <= longestMs) return durationMs;
  const where = env === null ? workload : `${workload} (env ${env})`;
  return refuse(`--for ${text}: longer than ${where} may have; ${accepted}`);
}

/** @throws DnsvalveError USAGE with the reason and the accepted form */
export function readHold(asked: Asked, policy: RequestPolicy): Omit<HoldFacts, 'number'> {
  const { workload, domain } = asked;
  if ((workload === undefined) === (domain === undefined)) {
    refuse('give a workload, or --domain with a name');
  }
  const isDomain = domain !== undefined;
  const lifelines = lifelinesOf(asked['lifelines']);
  if (isDomain && lifelines.length > 0) {
    refuse('--lifeline: only a workload has lifelines; a domain is closed to everybody');
  }
  return {
    workload: isDomain ? null : knownWorkload(workload, policy),
    pattern: isDomain ? domainPattern(domain).text : null,
    lifelines: lifelines.map(({ text }) => text),
    reason: sentence(asked['reason'], '--reason'),
    durationMs: asked['for'] === undefined ? null : holdDuration(asked['for']),
  };
}

function holdDuration(asked: unknown): number {
  const durationMs = typeof asked === 'string' ? parseDuration(asked) : null;
  const isFit = durationMs !== null && durationMs >= SHORTEST_MS && durationMs <= LONGEST_HOLD_MS;
  const accepted = `1s to ${durationText(LONGEST_HOLD_MS)}, or nothing for no end`;
  return isFit ? durationMs : refuse(`--for: accepted is ${accepted}`);
}

function knownWorkload(asked: unknown, { workloads }: RequestPolicy): string {
  const name = typeof asked === 'string' ? asked.slice(0, TEXT_MAX) : '';
  if (workloads.some((one) => one.name === name)) return name;
  if (name === 'unmapped' || name === '(unmapped)') {
    refuse('unmapped sources are no workload: nobody knows who they are; claim them in one first');
  }
  const near = didYouMean(
    name,
    workloads.map((one) => one.name),
  );
  return refuse(`workload "${name}": not in the policy in force${near}`);
}

/** A pattern under which no stranger can get a name. */
function narrowPattern(asked: unknown, what: string): Pattern {
  const pattern = typeof asked === 'string' ? parsePattern(asked) : `a ${what} is expected`;
  if (typeof pattern === 'string') return refuse(`${what}: ${pattern}`);
  if (pattern.kind === 'exact' || !isSharedSuffix(pattern.name)) return pattern;
  const why = `"${pattern.name}" is a public suffix, where any stranger can get a name`;
  const accepted = `accepted are names below it, like "host.${pattern.name}"`;
  return refuse(`${what} "${pattern.text}": too wide: ${why}; ${accepted}`);
}

/** A bare name is meant with all below it: who contains a domain contains its hosts. */
function domainPattern(asked: unknown): Pattern {
  const text = typeof asked === 'string' ? asked : '';
  const pattern = parsePattern(/^[*.]/.test(text) ? text : `.${text}`);
  if (typeof pattern === 'string') return refuse(`--domain: ${pattern}`);
  const { publicSuffix, isIcann } = parse(pattern.name, { extractHostname: false });
  if (publicSuffix !== pattern.name || isIcann !== true) return pattern;
  const accepted = `accepted are domains below it, like "x.${pattern.name}"`;
  return refuse(`--domain: "${pattern.name}" is a public suffix, not one domain; ${accepted}`);
}

function lifelinesOf(asked: unknown): Pattern[] {
  if (asked === undefined) return [];
  if (!Array.isArray(asked) || asked.length > LIFELINES_MAX) {
    return refuse(`--lifeline: a list of at most ${LIFELINES_MAX} patterns is expected`);
  }
  return asked.map((text: unknown) => narrowPattern(text, '--lifeline'));
}

function typesOf(asked: unknown): number[] | null {
  if (asked === undefined || asked === null) return null;
  const texts = typeof asked === 'string' ? asked.split(',') : [];
  if (texts.length === 0 || texts.length > TYPES_MAX) {
    return refuse(`--types: give up to ${TYPES_MAX} types, like A,AAAA`);
  }
  return [...new Set(texts.map((text) => typeOf(text.trim())))];
}

function typeOf(text: string): number {
  const type = typeFromText(text);
  // RFC 6895 3.1: 0, OPT and 128-255 are no types of data.
  const isData = type !== null && type !== 0 && type !== 41 && (type < 128 || type > 255);
  if (isData) return type;
  return refuse(`--types: "${text.slice(0, 40)}" is no type of data; accepted are names like A`);
}

function refuseBlocked(
  workload: string,
  pattern: Pattern,
  types: readonly number[] | null,
  policy: RequestPolicy,
): void {
  const rule = policy.blockedBy(workload, pattern, types?.[0] ?? TYPE_A);
  if (rule === null) return;
  const why = `"${pattern.text}" is denied to everybody by ${rule}, and an exception stands below`;
  refuse(`pattern: ${why}; with --override-feeds it stands above, if that is meant`);
}

/** One line of text for people; null where none is given. */
function sentence(asked: unknown, what: string): string | null {
  if (asked === undefined || asked === null) return null;
  const isLine = typeof asked === 'string' && !/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(asked);
  if (!isLine || asked.trim() === '' || asked.length > TEXT_MAX) {
    return refuse(`${what}: one line of 1 to ${TEXT_MAX} characters is expected`);
  }
  return asked;
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
] as const;

/** 86400000 as `1d`, 5400000 as `90m`. */
export function durationText(ms: number): string {
  for (const [size, unit] of UNITS) if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  return `${Math.round(ms / 1000)}s`;
}

function refuse(message: string): never {
  throw new DnsvalveError('USAGE', message);
}
