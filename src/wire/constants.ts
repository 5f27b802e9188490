/**
 * Numbers of the wire format (RFC 1035 section 4, RFC 6891), named once so that no function body
 * holds a bare 12.
 */

export const HEADER_SIZE = 12;
/** RFC 1035 2.3.4: a name with its root octet is at most 255 octets, a label at most 63. */
export const NAME_MAX = 255;
export const LABEL_MAX = 63;
/** 255 octets hold at most 127 labels of one octet and the root. */
export const LABELS_MAX = 127;
/** RFC 1035 4.2.1: a UDP message without EDNS. */
export const UDP_PLAIN_MAX = 512;
/** RFC 9715 and the DNS flag day: what we send and accept over UDP. */
export const UDP_EDNS_MAX = 1232;
export const MESSAGE_MAX = 65535;

/** Header offsets. */
export const AT_ID = 0;
export const AT_FLAGS = 2;
export const AT_QDCOUNT = 4;
export const AT_ANCOUNT = 6;
export const AT_NSCOUNT = 8;
export const AT_ARCOUNT = 10;

/** Flags, as bits of the 16-bit word at AT_FLAGS. */
export const QR = 0x8000;
export const OPCODE_MASK = 0x7800;
export const AA = 0x0400;
export const TC = 0x0200;
export const RD = 0x0100;
export const RA = 0x0080;
export const AD = 0x0020;
export const CD = 0x0010;
export const RCODE_MASK = 0x000f;

export const NOERROR = 0;
export const FORMERR = 1;
export const SERVFAIL = 2;
export const NXDOMAIN = 3;
export const NOTIMP = 4;
export const REFUSED = 5;
/** Extended rcode (RFC 6891 9): the upper eight bits travel in the OPT record. */
export const BADVERS = 16;
/** RFC 7873 8. */
export const BADCOOKIE = 23;

export const CLASS_IN = 1;

export const TYPE_A = 1;
export const TYPE_NS = 2;
export const TYPE_CNAME = 5;
export const TYPE_SOA = 6;
export const TYPE_NULL = 10;
export const TYPE_PTR = 12;
export const TYPE_MX = 15;
export const TYPE_TXT = 16;
export const TYPE_KEY = 25;
export const TYPE_AAAA = 28;
export const TYPE_SRV = 33;
export const TYPE_NAPTR = 35;
export const TYPE_DNAME = 39;
export const TYPE_OPT = 41;
export const TYPE_RRSIG = 46;
export const TYPE_NSEC = 47;
export const TYPE_NSEC3 = 50;
export const TYPE_SVCB = 64;
export const TYPE_HTTPS = 65;
/** RFC 6895 3.1: 128-255 are meta and query types (TKEY, TSIG, IXFR, AXFR, ..., ANY). */
export const TYPE_META_FIRST = 128;
/** 65,280 to 65,534 are for private use (RFC 6895 3.1). */
export const TYPE_PRIVATE_FIRST = 65_280;
export const TYPE_ANY = 255;

/** DO bit in the TTL field of an OPT record, its third octet. */
export const OPT_DO = 0x80;

export const OPTION_ECS = 8;
export const OPTION_COOKIE = 10;
export const OPTION_KEEPALIVE = 11;
export const OPTION_PADDING = 12;
export const OPTION_EDE = 15;

/** Extended DNS error codes (RFC 8914 section 4). */
export const EDE_OTHER = 0;
export const EDE_STALE = 3;
export const EDE_BLOCKED = 15;
export const EDE_FILTERED = 17;
export const EDE_PROHIBITED = 18;
export const EDE_CACHED_ERROR = 13;
export const EDE_NO_REACHABLE_AUTHORITY = 22;
export const EDE_NETWORK_ERROR = 23;
