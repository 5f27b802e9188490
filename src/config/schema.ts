/**
 * The schema of a configuration file: every key, its type, default and range, and one sentence
 * about it. Parsing, JSON Schema and the reference page come from here. What needs a second
 * section or a second file to judge stands in check.ts.
 */

import { z } from 'zod';
import { takesShape } from './alerts.ts';
import { answer } from './answer-schema.ts';
import { detectSchema, workloadDetect } from './detect-schema.ts';
import { approversOf, exceptionsSchema, peopleSchema } from './exceptions-schema.ts';
import { FORMATS } from './formats.ts';
import { forwardersSchema } from './forwarders.ts';
import {
  count,
  duration,
  filePath,
  hostname,
  line,
  metricsAddress,
  pattern,
  prefix,
  rate,
  recordType,
  sinkPlace,
  size,
  word,
} from './leaves.ts';
import * as limits from './limits.ts';
import { listenSchema } from './listeners.ts';
import { rateLimitSchema, responseLimitSchema, workloadRateLimit } from './overload-schema.ts';
import { cacheSchema, cookiesSchema } from './protocol-schema.ts';
import { dnstapSchema, queryLogSchema, share } from './querylog-schema.ts';
import { transportShape } from './sink-schema.ts';
import { FACILITIES } from './sinks.ts';
import { upstreamSchema } from './upstream-schema.ts';

const deniedObject = z.strictObject({
  name: pattern,
  types: z
    .array(recordType)
    .min(1, { error: 'an empty list would match nothing; remove the key for all types' })
    .optional()
    .meta({ description: 'Record types that the entry is limited to; all when not given.' }),
  reason: line('Why the entry is there, for people.').optional(),
  ticket: line('Where it was approved.').optional(),
  shared_suffix: z.boolean().default(false).meta({
    description:
      'Required for a wildcard directly under a public suffix, where any stranger can get a name.',
  }),
});

const budget = z
  .union([
    rate,
    z.strictObject({
      limit: rate,
      action: z.enum(['alert', 'deny']).default('deny').meta({
        description: 'Beyond the limit: `deny` the query, or only tell (`alert`).',
      }),
    }),
  ])
  .meta({
    description:
      'What may leave in names through this entry, per workload, like `1kB/h`; docs/detection.md.',
  });

const entryObject = deniedObject.extend({ budget: budget.optional() });

const ENTRY = 'A pattern, or a mapping with `name` and what else is to be said about it.';
/** Plain patterns take the short way: there can be 200,000 of them. */
const entry = z.union([pattern, entryObject]).meta({ description: ENTRY });
const denied = z.union([pattern, deniedObject]).meta({ description: ENTRY });
export type EntryInput = z.output<typeof entry> | z.output<typeof denied>;

const entries = (description: string) => z.array(entry).prefault([]).meta({ description });
const deniedEntries = (description: string) => z.array(denied).prefault([]).meta({ description });

const mode = z.enum(['open', 'report', 'enforce']);

export const workloadSchema = z
  .strictObject({
    owner: line('Team that answers for the workload.').optional(),
    env: line('Environment, such as `prod`.').optional(),
    sources: z.array(prefix).meta({
      description:
        'Prefixes that its queries come from, possibly none; the longest match of all wins.',
    }),
    mode: mode.default('enforce').meta({
      description:
        'What nothing allows: `enforce` denies it, `report` records it, `open` lets it through.',
    }),
    use: z.array(z.string()).prefault([]).meta({ description: 'Bundles that it may use.' }),
    allow: entries('Names that it may resolve.'),
    deny: deniedEntries('Names that it may not resolve, also where something below allows them.'),
    answer: answer.prefault('nxdomain'),
    chain: z.enum(['trust', 'inspect']).default('trust').meta({
      description:
        '`inspect` demands that every target of an answer (CNAME, DNAME, SVCB) is allowed too.',
    }),
    detect: workloadDetect.prefault({}),
    query_log: share('Share of its queries in the query log, in place of the main one.').optional(),
    dnstap: share('Share of its queries in dnstap, in place of the main one.').optional(),
    fail_open: z.boolean().default(false).meta({
      description: 'Let queries through when they cannot be decided; without it they are refused.',
    }),
    rate_limit: workloadRateLimit,
    approvers: approversOf('People who approve its exceptions.'),
    tests: z
      .array(
        z.strictObject({
          name: hostname,
          type: recordType.prefault('A'),
          expect: z
            .enum(['allow', 'deny'])
            .meta({ description: 'The verdict that the name must get.' }),
        }),
      )
      .prefault([])
      .meta({ description: 'Names and verdicts that must hold; a failing one refuses the load.' }),
  })
  .meta({ description: 'One workload: who it is, where it asks from, what it may resolve.' });

const bundleSchema = z.array(entry).meta({ description: 'Entries that several workloads use.' });

const forwardSchema = z
  .union([
    z.string(),
    z.strictObject({
      upstream: z.string().meta({ description: 'Name of an upstream.' }),
      internal: z.boolean().optional().meta({
        description:
          'Names below may be answered with private addresses; true when not given, but for `.`.',
      }),
    }),
  ])
  .meta({ description: 'Name of an upstream, or a mapping with `upstream` and `internal`.' });

export const zoneSchema = z.strictObject({
  name: hostname,
  file: filePath.meta({ description: 'Master file (RFC 1035 section 5).' }),
  private: z.boolean().default(false).meta({
    description: 'Answered only to workloads whose allowlist names it.',
  }),
});

const feedText = filePath.refine((text) => !/^[a-z0-9+]+:\/\//i.test(text) || isFeedUrl(text), {
  error: (issue) => `"${issue.input}" is no feed; accepted are a path, an https:// URL and a list`,
});

/** http:// only to this very machine: a list that anybody on the path can edit is no defence. */
function isFeedUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const loopback = /^(127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  return (
    url.username === '' && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback))
  );
}

export const feedSchema = z
  .strictObject({
    source: z.union([feedText, z.array(z.string())]).meta({
      description: 'A file, an https:// URL, or the entries themselves as a list.',
    }),
    format: z.enum(['auto', 'hosts', 'plain', 'adblock', 'rpz']).default('auto').meta({
      description: 'How the text is written; `auto` looks at it.',
    }),
    category: word('category').meta({
      description: 'What the feed lists, as alerts and reports say it.',
    }),
    action: z.enum(['deny', 'alert']).default('deny').meta({
      description: '`deny` holds in every mode; `alert` only tells.',
    }),
    refresh: duration(limits.FEED_REFRESH, 'How often a file is looked at and a URL is asked.'),
  })
  .meta({ description: 'One list.' });

export const sinkSchema = z.strictObject({
  to: sinkPlace,
  format: z.enum(FORMATS).optional().meta({
    description:
      'What is written; without it `rfc5424` to syslog, `json` elsewhere. docs/alerts.md has all.',
  }),
  facility: z
    .enum(FACILITIES)
    .default(limits.DEFAULT_FACILITY)
    .meta({ description: 'Syslog facility.' }),
  ...takesShape,
  ...transportShape,
});

/** Sections that an included file may hold, too. */
export const sharedShape = {
  upstreams: z.record(word('upstream'), upstreamSchema).meta({
    description:
      'Named sets of servers. Without any, `default` is the servers of /etc/resolv.conf.',
  }),
  forward: z.record(z.string(), forwardSchema).meta({
    description:
      'Which upstream is asked for names under a suffix; the longest wins, `.` is `default`.',
  }),
  zones: z.array(zoneSchema).meta({ description: 'Zones that are answered here.' }),
  feeds: z
    .record(word('feed'), feedSchema)
    .meta({ description: 'Lists of names to deny or to tell about.' }),
  bundles: z.record(word('bundle'), bundleSchema).meta({ description: 'Named lists of entries.' }),
  everyone: z
    .strictObject({
      allow: entries('Names that every workload may resolve.'),
      deny: deniedEntries('Names that no workload may resolve, in any mode.'),
    })
    .meta({ description: 'Rules for all workloads.' }),
  workloads: z.record(word('workload'), workloadSchema).meta({
    description: 'Who may resolve what.',
  }),
} as const;

/** Sections of the main file only. */
export const mainShape = {
  include: z.union([filePath, z.array(filePath)]).meta({
    description: 'More files, as globs relative to this one; they hold the shared sections.',
  }),
  listen: listenSchema,
  trusted_forwarders: forwardersSchema,
  workers: z
    .union([z.literal('auto'), z.int().min(limits.WORKERS.min).max(limits.WORKERS.max)])
    .default('auto')
    .meta({ description: 'Data-plane workers: a number, or `auto` for one per core.' }),
  unmapped: z
    .strictObject({
      mode: mode
        .default('enforce')
        .meta({ description: 'Mode for sources that no workload claims.' }),
      answer: answer.prefault('refused'),
      rate_limit: workloadRateLimit,
    })
    .prefault({})
    .meta({ description: 'Sources that no workload claims.' }),
  rate_limit: rateLimitSchema,
  response_limit: responseLimitSchema,
  cache: cacheSchema,
  cookies: cookiesSchema,
  deny_ttl: duration(limits.DENY_TTL, 'How long a client may keep a denial (RFC 2308).'),
  detect: detectSchema,
  rebinding: z
    .strictObject({
      allow: z
        .array(prefix)
        .prefault([])
        .meta({ description: 'Private prefixes that answers for public names may hold.' }),
    })
    .prefault({})
    .meta({ description: 'Protection against public names with private addresses.' }),
  history: z
    .strictObject({
      path: filePath.default(limits.DEFAULT_HISTORY).meta({ description: 'Database file.' }),
      retention: duration(
        limits.RETENTION,
        'How long the detail of full names is kept; first seen stays.',
      ),
      answers: count(
        limits.ANSWERS,
        'Addresses in answers kept, by workload and domain; the oldest go. 0 keeps none.',
      ),
      names_per_domain: count(
        limits.NAMES_PER_DOMAIN,
        'Full names kept per workload and domain: 16 new ones at once, then one a second.',
      ),
      cache: size(
        limits.HISTORY_CACHE,
        'Memory for pages of the database; less makes the disk read more. From the next start.',
      ),
    })
    .prefault({})
    .meta({ description: 'What was asked, by whom, and when first.' }),
  learn: z
    .strictObject({
      window: duration(
        limits.LEARN_WINDOW,
        'Shortest time that `promote` goes by, and what `suggest` looks back at.',
      ),
    })
    .prefault({})
    .meta({ description: 'How long a policy is learnt, docs/policy-life.md.' }),
  alerts: z.array(sinkSchema).prefault([]).meta({ description: 'Where alerts go.' }),
  alert_window: duration(
    limits.ALERT_WINDOW,
    'Repeats of one alert within this time become one with a count.',
  ),
  alert_spool: z
    .strictObject({
      size: size(limits.SPOOL_SIZE, 'Alerts are kept up to this size; the oldest go first.'),
      age: duration(limits.SPOOL_AGE, 'Alerts are kept for so long at most.'),
    })
    .prefault({})
    .meta({ description: 'The journal of alerts on disk, for sinks that are slow or down.' }),
  query_log: queryLogSchema,
  dnstap: dnstapSchema,
  people: peopleSchema,
  exceptions: exceptionsSchema,
  control: z
    .strictObject({
      path: filePath
        .default(limits.DEFAULT_CONTROL)
        .meta({ description: 'Unix socket for the commands.' }),
    })
    .prefault({})
    .meta({ description: 'The control socket.' }),
  metrics: z
    .strictObject({
      listen: metricsAddress.prefault(limits.DEFAULT_METRICS).meta({
        description: 'Address of the HTTP server: `/metrics`, `/health`, `/ready`.',
      }),
    })
    .optional()
    .meta({
      description:
        'Metrics for Prometheus, docs/metrics.md; without the section, which may be `{}`, none.',
    }),
  state_directory: filePath
    .default(limits.DEFAULT_STATE)
    .meta({ description: 'Where downloaded feeds and the journal of alerts are kept.' }),
} as const;

/** A main file, for the JSON Schema and the reference page. */
export const mainSchema = z.strictObject({
  ...mainShape,
  include: mainShape.include.optional(),
  query_log: mainShape.query_log.optional(),
  dnstap: mainShape.dnstap.optional(),
  upstreams: sharedShape.upstreams.optional(),
  forward: sharedShape.forward.optional(),
  zones: sharedShape.zones.optional(),
  feeds: sharedShape.feeds.optional(),
  bundles: sharedShape.bundles.optional(),
  everyone: sharedShape.everyone.optional(),
  workloads: sharedShape.workloads.optional(),
});
