/**
 * What the numbers of a finding mean, by its type (FINDING_* of events/kinds.ts): indexes into its
 * parts. A part that a type does not name is 0. wording.ts turns them into text.
 */

/** FINDING_TUNNEL. Score and threshold: bytes of novel information under one domain. */
export const TUNNEL_NAMES = 0; // names that brought something new
export const TUNNEL_SECONDS = 1; // since the first of them
export const TUNNEL_QUERIES = 2; // queries that went upstream
export const TUNNEL_ODD_PERCENT = 3; // of the queries: neither addresses nor HTTPS, SVCB, PTR
export const TUNNEL_ODD_TYPE = 4; // the last such type; 0 for none
export const TUNNEL_LONGEST = 5; // octets of the longest part below the domain
export const TUNNEL_ENTROPY = 6; // of the last part, 1/100 bit a character
export const TUNNEL_LOOK = 7; // LOOK_* of the last part
export const TUNNEL_POPULAR = 8; // 1 when the domain is popular, which raises the threshold
export const TUNNEL_ANSWER_OCTETS = 9; // octets of the answers that carry data

/** What the last part looks like. */
export const LOOK_WORDS = 0;
export const LOOK_HEX = 1;
export const LOOK_BASE32 = 2;
export const LOOK_BASE64 = 3;
export const LOOK_BINARY = 4;

/** FINDING_SPREAD. Bytes of novel information over all domains, each beyond what is usual. */
export const SPREAD_DOMAINS = 0; // domains that added to it
export const SPREAD_SECONDS = 1; // since the first of them

/** FINDING_TENANT. Bytes in the names of tenants below public suffixes. */
export const TENANT_NAMES = 0;
export const TENANT_SECONDS = 1;

/** FINDING_DOWNLOAD. Bytes of data in answers under one domain. */
export const DOWNLOAD_ANSWERS = 0; // answers that differed
export const DOWNLOAD_SECONDS = 1;
export const DOWNLOAD_TYPE = 2; // of the last one

/** FINDING_BUDGET. Bytes charged within the window, of those that the rule's budget allows. */
export const BUDGET_SECONDS = 0; // of the window
export const BUDGET_NAMES = 1; // names remembered, at most 256
export const BUDGET_FREES = 2; // seconds until the query could leave; 0 when it may now
export const BUDGET_IS_INWARD = 3; // 1 when it is about the data of answers

/** FINDING_GENERATED and FINDING_BURST. Score and threshold: bits of evidence, over all names. */
export const GENERATED_NAMES = 0; // domains that do not exist and added to it
export const GENERATED_SECONDS = 1; // since the first of them
/** 1 when the name of the finding does exist: the one that the others were tried for. */
export const GENERATED_LIVE = 2;
export const GENERATED_NAME_BITS = 3; // of this name, 1/256 bit, signed
export const GENERATED_SAME_SUFFIX = 4; // of the last eight domains: under this one's suffix
/** New domains of late that do exist: they raise the threshold. */
export const GENERATED_RESOLVED = 5;
