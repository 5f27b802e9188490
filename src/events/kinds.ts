/**
 * What the data plane tells the slow lane: fixed records of numbers and octets, no text.
 *
 * A record is an observation about (workload, registrable domain) or (workload, full name), with
 * the counts gathered since the last record about the same pair. Little-endian throughout.
 */

/** Octets of a record: 168 of fields and a name of at most 255, padded to a multiple of 8. */
export const RECORD_SIZE = 424;

/** A (workload, registrable domain) pair: seen for the first time by this worker, or counts. */
export const KIND_PAIR = 1;
/** A (workload, full name) pair under a registrable domain; detail, bounded by the worker. */
export const KIND_NAME = 2;
/** Addresses that a pair was given in an answer (the first answer for the pair). */
export const KIND_ANSWER = 3;
/** What a detector found; counts of queries come in the other kinds. */
export const KIND_FINDING = 4;

export const AT_KIND = 0; // u32
/** Index of the workload in its snapshot; 0 is the unmapped source. */
export const AT_WORKLOAD = 4; // u32
/** Revision of the snapshot that `workload` and `rule` belong to. */
export const AT_REVISION = 8; // u32
/** Rule that decided last; 0 for none. Index into the snapshot's rule texts. */
export const AT_RULE = 12; // u32
/** Wall clock of the first and last query counted here, ms since the epoch. */
export const AT_FIRST_MS = 16; // f64
export const AT_LAST_MS = 24; // f64
export const AT_ALLOWED = 32; // u32 count: let through (answered, by store, zone or upstream)
export const AT_DENIED = 36; // u32 count
export const AT_WOULD_DENY = 40; // u32 count: let through by the mode only
export const AT_FAILED = 44; // u32 count: SERVFAIL, nothing answered
export const AT_CACHED = 48; // u32 count: of the allowed ones, answered from the store
/** Count of queries for names beyond the detail bound of this pair (KIND_PAIR only). */
export const AT_FOLDED = 52; // u32
export const AT_QTYPE = 56; // u16, of the last query
export const AT_REASON = 58; // u8, REASON_* of the last decision
/** OR of FLAG_* of everything counted here. */
export const AT_FLAGS = 59; // u8
export const AT_MODE = 60; // u8, MODE_* of the workload
export const AT_NAME_LENGTH = 61; // u8, octets of the wire name with its root, 1..255
/** Octet in the wire name where the registrable domain starts. */
export const AT_REGISTRABLE = 62; // u8
export const AT_ANSWER_COUNT = 63; // u8, 0..4
/** Source address, IPv6 octets (IPv4 mapped), of the last query. */
export const AT_SOURCE = 64; // 16 octets
/** Addresses answered, IPv6 octets (IPv4 mapped), `answerCount` of them. */
export const AT_ANSWERS = 80; // 4 x 16 octets
/** Feed that matched, 1-based index in the snapshot; 0 for none. */
export const AT_FEED = 144; // u8
/** Keyed hash (wire/hash.ts) of the name, low and high; 0 but for KIND_NAME. */
export const AT_NAME_HASH = 148; // 2 x u32
/** Of the allowed ones, answered with an upstream's NXDOMAIN. */
export const AT_NXDOMAIN = 156; // u32 count
/** Keyed hash of the registrable domain, low and high. */
export const AT_DOMAIN_HASH = 160; // 2 x u32
/** KIND_FINDING only, in place of counts and addresses: FINDING_* (u8) and its numbers. */
export const AT_FINDING = 145;
export const AT_SCORE = 32; // u32
export const AT_THRESHOLD = 36; // u32
/** 1 when the name was denied for it, 0 when it is only told. */
export const AT_IS_DENIED = 40; // u32
/** PARTS numbers, u32 each; what they mean is in detect/parts.ts. */
export const AT_PARTS = 80;
export const PARTS = 16;
/** For FLAG_REBINDING: the address that was refused is answers[0]. */
export const AT_NAME = 168; // wire name, lower case

/** Novel information in the names under one registrable domain. */
export const FINDING_TUNNEL = 1;
/** The same, dealt over many domains. */
export const FINDING_SPREAD = 2;
/** In the names of tenants under public suffixes. */
export const FINDING_TENANT = 3;
/** Novel information in answers. */
export const FINDING_DOWNLOAD = 4;
/** Names that do not exist, spelled like generated ones. */
export const FINDING_GENERATED = 5;
/** A burst of new names that do not exist. */
export const FINDING_BURST = 6;
/** The information budget of a rule. */
export const FINDING_BUDGET = 7;
/** The reputation score of a name. */
export const FINDING_REPUTATION = 8;

/** Flags: things worth telling somebody. */
export const FLAG_FIRST = 1; // first time this worker's memory holds the pair
export const FLAG_REBINDING = 2; // an answer held a private address and was refused
export const FLAG_BYPASS = 4; // asked for a resolver or canary name (category resolver-bypass)
export const FLAG_REPUTATION = 8; // a feed matched, with action deny or alert
export const FLAG_UNMAPPED = 16; // the source belongs to no workload
export const FLAG_CHAIN = 32; // denied for what the answer's CNAME/DNAME/SVCB chain led to

/** Why a query was decided as it was. The order of product precedence. */
export const REASON_NONE = 0;
export const REASON_UNMAPPED = 1;
export const REASON_GLOBAL_DENY = 2;
export const REASON_FEED = 3;
export const REASON_WORKLOAD_DENY = 4;
export const REASON_WORKLOAD_ALLOW = 5;
export const REASON_BUNDLE = 6;
export const REASON_EVERYONE_ALLOW = 7;
export const REASON_LOCAL_ZONE = 8;
export const REASON_MODE = 9; // nothing matched: the mode decided
export const REASON_CHAIN = 10; // answer chain led to a denied name
export const REASON_REBINDING = 11; // answer held an address that is not for public names
export const REASON_SPECIAL_USE = 12; // a name that never goes upstream
export const REASON_TUNNEL = 13; // the domain carried data out
export const REASON_BUDGET = 14; // the rule's information budget is used up
export const REASON_REPUTATION = 15; // the name's score is below the workload's floor
export const REASON_GENERATED = 16; // the workload asks for generated names
export const REASON_NETWORK = 17; // the answer holds an address of a network that is denied
export const REASON_QUARANTINE = 18; // the workload is in quarantine
export const REASON_DOMAIN_QUARANTINE = 19; // the domain is, for everybody
export const REASON_LIFELINE = 20; // what a workload in quarantine may still resolve
export const REASON_EXCEPTION_OVER_FEEDS = 21; // an exception that overrides feeds
export const REASON_EXCEPTION = 22; // any other exception

/** Workload modes. */
export const MODE_ENFORCE = 0;
export const MODE_REPORT = 1;
export const MODE_OPEN = 2;
