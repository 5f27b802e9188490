/**
 * The settings that only the main file has, each checked by itself so that one mistake does not
 * hide the next.
 */

import { resolve } from 'node:path';
import type { z } from 'zod';
import type { Problem } from '../errors.ts';
import { takesOf } from './alerts.ts';
import { exceptionsOf, peopleOf } from './exceptions-schema.ts';
import { formatProblem, formatsOf } from './formats.ts';
import { forwardersOf } from './forwarders.ts';
import { listenersOf } from './listeners.ts';
import { ownRateLimit, rateLimitOf, responseLimitOf } from './overload-schema.ts';
import { checked, checkedMapping } from './salvage.ts';
import { mainShape, sinkSchema } from './schema.ts';
import { prefixesOf } from './sections.ts';
import { misplaced, sinkTarget } from './sink-target.ts';
import type { Sink } from './sink-types.ts';
import { FACILITIES } from './sinks.ts';
import type { Source } from './source.ts';
import type { Config, DenyAnswer } from './types.ts';

export interface MainSettings {
  readonly include: readonly string[];
  readonly listen: Config['listen'];
  readonly trustedForwarders: Config['trustedForwarders'];
  readonly workers: number | 'auto';
  readonly unmapped: Config['unmapped'];
  readonly rateLimit: Config['rateLimit'];
  readonly responseLimit: Config['responseLimit'];
  readonly cache: Config['cache'];
  readonly cookies: Config['cookies'];
  readonly denyTtlSeconds: number;
  readonly detect: Config['detect'];
  readonly rebindingAllow: Config['rebindingAllow'];
  readonly history: Config['history'];
  readonly learn: Config['learn'];
  readonly alerts: readonly Sink[];
  readonly alertWindowMs: number;
  readonly alertSpool: Config['alertSpool'];
  readonly queryLog: Config['queryLog'];
  readonly dnstap: Config['dnstap'];
  readonly people: Config['people'];
  readonly exceptions: Config['exceptions'];
  readonly control: Config['control'];
  readonly metrics: Config['metrics'];
  readonly stateDirectory: string;
}

/** Settings of the main file. Only of use when `problems` has not grown. */
export function mainSettings(source: Source, problems: Problem[]): MainSettings {
  const { document, directory, value } = source;
  const read = <S extends z.ZodType>(schema: S, key: keyof typeof mainShape) =>
    checked(schema, document, { path: [key], value: value[key] }, problems);
  const rebinding = checkedMapping(
    mainShape.rebinding.def.innerType,
    document,
    { path: ['rebinding'], value: value['rebinding'] ?? {} },
    problems,
  );
  const cache = read(mainShape.cache, 'cache');
  if (cache !== undefined && cache.min_ttl > cache.max_ttl) {
    const path = ['cache', 'min_ttl'];
    problems.push(document.problem(document.at(path), path, 'longer than cache.max_ttl'));
  }
  const history = read(mainShape.history, 'history');
  const spool = read(mainShape.alert_spool, 'alert_spool');
  return {
    include: [read(mainShape.include.optional(), 'include') ?? []].flat(),
    listen: listenersOf(read(mainShape.listen, 'listen'), source, problems),
    trustedForwarders: forwardersOf(
      read(mainShape.trusted_forwarders, 'trusted_forwarders'),
      source,
      problems,
    ),
    workers: read(mainShape.workers, 'workers') ?? 'auto',
    unmapped: unmappedOf(read(mainShape.unmapped, 'unmapped')),
    rateLimit: rateLimitOf(read(mainShape.rate_limit, 'rate_limit')),
    responseLimit: responseLimitOf(read(mainShape.response_limit, 'response_limit')),
    cache: {
      sizeBytes: cache?.size ?? 0,
      minTtlSeconds: seconds(cache?.min_ttl),
      maxTtlSeconds: seconds(cache?.max_ttl),
      maxNegativeTtlSeconds: seconds(cache?.max_negative_ttl),
      staleSeconds: seconds(cache?.serve_stale),
      clientResponseMs: cache?.client_response_timer ?? 0,
      prefetch: cache?.prefetch ?? true,
    },
    cookies: read(mainShape.cookies, 'cookies') ?? { answer: true, required: 'none' },
    denyTtlSeconds: seconds(read(mainShape.deny_ttl, 'deny_ttl')),
    detect: detectOf(read(mainShape.detect, 'detect'), source),
    rebindingAllow: prefixesOf(source, ['rebinding', 'allow'], rebinding.allow),
    history: {
      path: resolve(directory, history?.path ?? ''),
      retentionMs: history?.retention ?? 0,
      answers: history?.answers ?? 0,
      namesPerDomain: history?.names_per_domain ?? 0,
      cacheBytes: history?.cache ?? 0,
    },
    learn: { windowMs: read(mainShape.learn, 'learn')?.window ?? 0 },
    alerts: sinks(source, problems),
    alertWindowMs: read(mainShape.alert_window, 'alert_window') ?? 0,
    alertSpool: { sizeBytes: spool?.size ?? 0, ageMs: spool?.age ?? 0 },
    queryLog: queryLogOf(read(mainShape.query_log.optional(), 'query_log'), directory),
    dnstap: dnstapOf(read(mainShape.dnstap.optional(), 'dnstap')),
    people: peopleOf(read(mainShape.people, 'people'), source, (path, message) =>
      problems.push(document.problem(document.at(path), path, message)),
    ),
    exceptions: exceptionsOf(read(mainShape.exceptions, 'exceptions')),
    control: { path: resolve(directory, read(mainShape.control, 'control')?.path ?? '') },
    metrics: read(mainShape.metrics, 'metrics') ?? null,
    stateDirectory: resolve(directory, read(mainShape.state_directory, 'state_directory') ?? ''),
  };
}

const REFUSED: DenyAnswer = { kind: 'refused' };

function unmappedOf(input: z.output<typeof mainShape.unmapped> | undefined): Config['unmapped'] {
  const { mode = 'enforce', answer = REFUSED, rate_limit } = input ?? {};
  return { mode, answer, rateLimit: ownRateLimit(rate_limit) };
}

function detectOf(
  input: z.output<typeof mainShape.detect> | undefined,
  source: Source,
): Config['detect'] {
  return {
    memoryBytes: input?.memory ?? 0,
    baseline: {
      action: input?.baseline.action ?? 'alert',
      factor: input?.baseline.factor ?? 0,
      learningMs: input?.baseline.learning ?? 0,
      burnInMs: input?.baseline.burn_in ?? 0,
    },
    tunnel: {
      threshold: input?.tunnel.threshold ?? 0,
      action: input?.tunnel.action ?? 'alert',
      denyForSeconds: seconds(input?.tunnel.deny_for),
    },
    generated: {
      threshold: input?.generated.threshold ?? 0,
      burst: input?.generated.burst ?? 0,
      action: input?.generated.action ?? 'alert',
      denyForSeconds: seconds(input?.generated.deny_for),
    },
    reputation: reputationOf(input?.reputation),
    networks: networksOf(input?.networks, source),
    quiet: input?.quiet ?? [],
  };
}

type DetectInput = z.output<typeof mainShape.detect>;
const DAY_MS = 86_400_000;

function reputationOf(
  input: DetectInput['reputation'] | undefined,
): Config['detect']['reputation'] {
  return {
    alertBelow: input?.alert_below ?? 0,
    denyBelow: input?.deny_below ?? 0,
    ownNames: (input?.own_names ?? []).map(({ name }) => name),
    wellKnown: input?.well_known ?? true,
    newDays: Math.ceil((input?.new_for ?? 0) / DAY_MS),
    categories: new Map(Object.entries(input?.categories ?? {})),
  };
}

function networksOf(
  input: DetectInput['networks'] | undefined,
  { document, directory }: Source,
): Config['detect']['networks'] {
  const database = input?.database;
  return {
    database: database === undefined ? null : resolve(directory, database),
    denyAsn: input?.deny_asn ?? [],
    denyCountry: input?.deny_country ?? [],
    at: document.at(['detect', 'networks', 'database']),
  };
}

function queryLogOf(
  input: z.output<typeof mainShape.query_log> | undefined,
  directory: string,
): Config['queryLog'] {
  if (input === undefined) return null;
  const { path, sample, max_size: maxBytes, max_files: maxFiles } = input;
  return { path: resolve(directory, path), sample, maxBytes, maxFiles };
}

function dnstapOf(input: z.output<typeof mainShape.dnstap> | undefined): Config['dnstap'] {
  if (input === undefined) return null;
  const { to: target, sample, identity = null, version = null } = input;
  return { target, sample, identity, version };
}

/** TTLs are whole seconds on the wire (RFC 2181 section 8). */
function seconds(ms: number | undefined): number {
  return Math.ceil((ms ?? 0) / 1000);
}

function sinks(source: Source, problems: Problem[]): Sink[] {
  const { document } = source;
  const value = source.value['alerts'];
  if (!Array.isArray(value)) {
    if (value !== undefined)
      checked(mainShape.alerts, document, { path: ['alerts'], value }, problems);
    return [];
  }
  return value.flatMap((item, i) => {
    const path = ['alerts', i];
    const input = checked(sinkSchema, document, { path, value: item }, problems);
    if (input === undefined) return [];
    const format = input.format ?? formatsOf(input.to.kind)[0] ?? 'json';
    const problem = formatProblem(input.to.kind, format);
    if (problem !== null) {
      const formatPath = [...path, 'format'];
      problems.push(document.problem(document.at(formatPath), formatPath, problem));
    }
    for (const [key, message] of misplaced(input)) {
      const keyPath = [...path, key];
      problems.push(document.problem(document.at(keyPath), keyPath, message));
    }
    const facility = FACILITIES.indexOf(input.facility);
    const target = sinkTarget(input, source.directory);
    const at = document.at(path);
    return [{ to: String(item.to), target, format, facility, ...takesOf(input), at }];
  });
}
