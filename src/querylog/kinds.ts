/**
 * The record that a worker writes about a query or a response, for the query log and dnstap.
 * Little-endian; a wire name and the message as it came or left follow the fields. Fast lane.
 */

/** A query that arrived. */
export const KIND_QUERY = 1;
/** What became of it: the response, or no octets where the client got none. */
export const KIND_RESPONSE = 2;

/** For whom a record is. */
export const TO_LOG = 1;
export const TO_DNSTAP = 2;

/** How a query came. */
export const TRANSPORTS = ['udp', 'tcp', 'tls', 'https'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

export const AT_SIZE = 0; // u32, of the whole record; a multiple of 8
export const AT_KIND = 4; // u8
export const AT_OUTPUTS = 5; // u8, TO_* bits
export const AT_MODE = 6; // u8, MODE_*
/** Index of TRANSPORTS. */
export const AT_TRANSPORT = 7; // u8
/** When the query arrived and when this was written, ms since the epoch. */
export const AT_RECEIVED_MS = 8; // f64
export const AT_WRITTEN_MS = 16; // f64
export const AT_WORKLOAD = 24; // u32
/** Of the tables that know the workload and the rule; 0 where nobody asked who it was. */
export const AT_REVISION = 28; // u32
export const AT_RULE = 32; // u32
export const AT_MESSAGE_LENGTH = 36; // u32
export const AT_ALLOWED = 40; // u8
export const AT_WOULD_DENY = 41; // u8
/** REASON_*; REASON_NONE where no name was decided about. */
export const AT_REASON = 42; // u8
/** Octets of the name; 0 where none could be read. */
export const AT_NAME_LENGTH = 43; // u8
export const AT_QTYPE = 44; // u16
/** 1 when the query gets no response. */
export const AT_IS_DROPPED = 46; // u8
/** The peer record of batch.ts. */
export const AT_PEER = 48;
export const AT_NAME = 96;
