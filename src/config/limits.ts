/**
 * Every setting that has a default and a range, one row each, as it is written in a file. The
 * schema, the loader and the reference page read them here and nowhere else.
 */

export interface Limits {
  readonly default: string;
  readonly min: string;
  readonly max: string;
}

export interface CountLimits {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** Per worker. A slab is one array, and places in it fit 32 bits. */
export const CACHE_SIZE: Limits = { default: '64MB', min: '1MB', max: '4GB' };
export const CACHE_MIN_TTL: Limits = { default: '0s', min: '0s', max: '1h' };
export const CACHE_MAX_TTL: Limits = { default: '1d', min: '1s', max: '7d' };
/** RFC 2308 section 5 finds one to three hours sensible for negative answers. */
export const CACHE_MAX_NEGATIVE_TTL: Limits = { default: '1h', min: '0s', max: '3h' };
/** RFC 8767 section 5: between one and three days where it is wanted. */
export const CACHE_SERVE_STALE: Limits = { default: '0s', min: '0s', max: '7d' };
/** RFC 8767 section 5 recommends 1.8 s; after 5 s the upstreams have failed. */
export const CACHE_CLIENT_RESPONSE: Limits = { default: '1800ms', min: '0s', max: '5s' };
export const DENY_TTL: Limits = { default: '30s', min: '0s', max: '1h' };
export const RETENTION: Limits = { default: '400d', min: '1d', max: '3650d' };
export const ALERT_WINDOW: Limits = { default: '10m', min: '1s', max: '1d' };
/** 64 MB hold some 60,000 alerts. */
export const SPOOL_SIZE: Limits = { default: '64MB', min: '256kB', max: '64GB' };
export const SPOOL_AGE: Limits = { default: '7d', min: '1h', max: '90d' };
/** Of one severity to one sink. */
export const ALERTS_PER_MINUTE: Omit<CountLimits, 'default'> = { min: 1, max: 1_000_000 };
/** Alerts in one request of a webhook; about 1 kB each. */
export const WEBHOOK_BATCH: CountLimits = { default: 100, min: 1, max: 1000 };
export const FEED_REFRESH: Limits = { default: '24h', min: '5m', max: '30d' };
/** A row is about 100 octets, its index included. */
export const ANSWERS: CountLimits = { default: 1_000_000, min: 0, max: 100_000_000 };
/** Pages of the database, with what SQLite keeps beside each. */
export const HISTORY_CACHE: Limits = { default: '64MB', min: '1MB', max: '4GB' };
export const NAMES_PER_DOMAIN: CountLimits = { default: 1000, min: 0, max: 1_000_000 };
/** For all workers together: they share it. */
export const DETECT_MEMORY: Limits = { default: '64MB', min: '1MB', max: '4GB' };
/** Bytes of novel information of one workload in names under one domain, decayed over a day. */
export const TUNNEL_THRESHOLD: CountLimits = { default: 128, min: 32, max: 1_000_000 };
/** Bits of evidence that names of one workload were generated; that they are words in a row. */
export const GENERATED_THRESHOLD: CountLimits = { default: 28, min: 8, max: 512 };
export const BURST_THRESHOLD: CountLimits = { default: 40, min: 8, max: 512 };
/** A name's reputation, 0 to 100, below which it is told of or denied; 0 for never. */
export const ALERT_BELOW: CountLimits = { default: 40, min: 0, max: 100 };
export const DENY_BELOW: CountLimits = { default: 0, min: 0, max: 100 };
/** `0s`: being new counts nothing. */
export const NEW_FOR: Limits = { default: '7d', min: '0s', max: '90d' };
/** A name alone may cost 260 octets; under 64 hardly any would ever leave. */
export const BUDGET_BYTES = { min: '64B', max: '1GB' } as const;
export const DETECT_DENY_FOR: Limits = { default: '24h', min: '1m', max: '30d' };
/** Below a day nothing is judged; beyond eight weeks nothing is remembered. */
export const BASELINE_LEARNING: Limits = { default: '7d', min: '1d', max: '28d' };
export const BASELINE_FACTOR: CountLimits = { default: 4, min: 2, max: 1000 };
export const BASELINE_BURN_IN: Limits = { default: '1h', min: '0s', max: '7d' };
/** Two weeks hold each day of the week twice. */
export const LEARN_WINDOW: Limits = { default: '14d', min: '1h', max: '400d' };
export const QUERY_LOG_SIZE: Limits = { default: '100MB', min: '4kB', max: '100GB' };
export const QUERY_LOG_FILES: CountLimits = { default: 10, min: 0, max: 1000 };
export const EXCEPTION_MAX: Limits = { default: '7d', min: '1s', max: '90d' };
export const APPROVE_WITHIN: Limits = { default: '7d', min: '1s', max: '30d' };
/** Long enough to find somebody, too short to do without. */
export const BREAK_GLASS_WITHIN: Limits = { default: '1h', min: '1s', max: '1d' };
/** A second; 0 for no limit. A bucket holds up to a minute of them, in 31 bits. */
export const QUERY_RATE: CountLimits = { default: 20_000, min: 0, max: 10_000_000 };
export const MISS_RATE: CountLimits = { default: 0, min: 0, max: 10_000_000 };
/** To one /24 or /56, a second; 0 for no limit. */
export const RESPONSE_RATE: CountLimits = { default: 100, min: 0, max: 1_000_000 };
export const RESPONSE_SLIP: CountLimits = { default: 2, min: 0, max: 100 };
/** Without it a second's worth, and at most BURST_MAX of overload/rates.ts. */
export const BURST: Omit<Limits, 'default'> = { min: '10ms', max: '1m' };
export const WORKERS: Omit<CountLimits, 'default'> = { min: 1, max: 256 };

export const DNS_PORT = 53;
/** RFC 7858 3.1; RFC 8484 over https. */
export const DOT_PORT = 853;
export const HTTPS_PORT = 443;
/** Where Prometheus looks for the metrics of a DNS server by convention. */
export const METRICS_PORT = 9153;
/** RFC 5426 3.3 for UDP; RFC 6587 names none for TCP, and collectors listen on the same. */
export const SYSLOG_PORT = 514;
/** RFC 5425 4.1. */
export const SYSLOG_TLS_PORT = 6514;
/** No port is registered for dnstap; collectors' examples have this one. */
export const DNSTAP_PORT = 6000;
export const DEFAULT_LISTEN = ['0.0.0.0:53', '[::]:53'] as const;
/** Relative to the main file. */
export const DEFAULT_HISTORY = 'data/history.db';
export const DEFAULT_CONTROL = 'data/control.sock';
export const DEFAULT_STATE = 'data';
export const DEFAULT_METRICS = `127.0.0.1:${METRICS_PORT}`;
/** local4: what daemons outside of the base system commonly use. */
export const DEFAULT_FACILITY = 'local4';

/** A file larger than this is no configuration (1,000 workloads with 200 rules each are 8 MB). */
export const FILE_MAX_OCTETS = 64e6;
/** Nesting deeper than this is refused before anything walks it. */
export const DEPTH_MAX = 32;
/** Values that aliases may add to one file: an alias inside an alias multiplies. */
export const ALIAS_VALUES_MAX = 100_000;
