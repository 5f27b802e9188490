/**
 * Where alerts and the query log go, as the validated configuration says it.
 */

import type { AlertType } from '../alerts/alert.ts';
import type { Format } from './formats.ts';
import type { Place } from './types.ts';

/** Where a secret stands. The secret itself is in no configuration, snapshot or message. */
export type SecretRef =
  | { readonly kind: 'file'; readonly path: string } // absolute, once the entry is whole
  | { readonly kind: 'env'; readonly name: string };

/** PEM texts of a TLS client; null where the defaults hold, or no certificate is shown. */
export interface TlsRefs {
  readonly ca: SecretRef | null;
  readonly cert: SecretRef | null;
  readonly key: SecretRef | null;
}

/** RFC 6587 3.4.1 and 3.4.2. */
export type Framing = 'octet-counting' | 'lf';

interface SocketPlace<K extends string> {
  readonly kind: K;
  readonly host: string;
  readonly port: number;
}

/** The peer's certificate must be for `peer`, a name or an address. */
type TlsPlace = SocketPlace<'syslog-tls'> & { readonly peer: string };

/** What `to:` says. */
export type SinkPlace =
  | SocketPlace<'syslog-udp'>
  | SocketPlace<'syslog-tcp'>
  | TlsPlace
  | { readonly kind: 'https'; readonly url: string }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string };

export interface HttpsTarget {
  readonly kind: 'https';
  readonly url: string;
  /** Connected to instead of what the name of the URL leads to. */
  readonly address: string | null;
  readonly tls: TlsRefs;
  /** Key of the signature. */
  readonly secret: SecretRef | null;
  /** Alerts in one request, 1 or more. */
  readonly batch: number;
}

/** A place with everything that the way there takes. */
export type SinkTarget =
  | SocketPlace<'syslog-udp'>
  | (SocketPlace<'syslog-tcp'> & { readonly framing: Framing })
  | (TlsPlace & { readonly tls: TlsRefs })
  | HttpsTarget
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string };

export interface Sink {
  /** As written, for messages. */
  readonly to: string;
  readonly target: SinkTarget;
  readonly format: Format;
  /** Syslog facility number 0..23. */
  readonly facility: number;
  /** Only these alerts; everything where a key is not given. */
  readonly types?: readonly AlertType[];
  /** The mildest syslog severity that is taken, 0..7. */
  readonly severity?: number;
  /** Names of workloads, and `unmapped`. */
  readonly workloads?: readonly string[];
  /** Of each severity. */
  readonly maxPerMinute?: number;
  readonly at: Place;
}

/** Every query as a line of JSON. */
export interface QueryLog {
  readonly path: string; // absolute
  /** Share of the queries, 0 to 1. */
  readonly sample: number;
  readonly maxBytes: number;
  /** Files kept beside the current one. */
  readonly maxFiles: number;
}

export type DnstapTarget =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface Dnstap {
  readonly target: DnstapTarget;
  readonly sample: number;
  /** Null for the name of the machine, and for the version of the program. */
  readonly identity: string | null;
  readonly version: string | null;
}
