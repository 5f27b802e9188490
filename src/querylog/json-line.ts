/** A response as a line of the query log. Versioned; docs/querylog.md says what the fields mean. */

import { addressToText } from '../native/addresses.ts';
import { HEADER_SIZE, TYPE_A, TYPE_AAAA } from '../wire/constants.ts';
import { skipName } from '../wire/name.ts';
import { readU16 } from '../wire/octets.ts';
import { RecordPlace, readRecord } from '../wire/records.ts';
import { nameToText, rcodeToText, typeToText } from '../wire/text.ts';
import type { Tapped } from './record.ts';

export const QUERY_LOG_VERSION = 1;
/** Addresses of an answer that are named; more are counted by nobody and needed by few. */
const ANSWERS_MAX = 16;
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

const record = new RecordPlace();

/** One document and its newline. */
export function jsonLine(tapped: Tapped): string {
  const { message, name } = tapped;
  const hasQuestion = name.length > 0;
  const document = {
    version: QUERY_LOG_VERSION,
    time: new Date(tapped.receivedMs).toISOString(),
    workload: tapped.workload,
    source: addressToText(tapped.source, 0),
    port: tapped.port,
    protocol: tapped.transport,
    qname: hasQuestion ? nameToText(name) : null,
    qtype: hasQuestion ? typeToText(tapped.qtype) : null,
    verdict: tapped.verdict,
    would_deny: tapped.wouldDeny,
    mode: tapped.mode,
    reason: tapped.reasonWord,
    rule: tapped.rule,
    policy_revision: tapped.revision === 0 ? null : tapped.revision,
    rcode: message.length < HEADER_SIZE ? null : rcodeToText((message[3] ?? 0) & 15),
    answers: answersOf(message),
    octets: message.length,
    ms: Math.max(0, tapped.writtenMs - tapped.receivedMs),
  };
  return `${JSON.stringify(document)}\n`;
}

/** The addresses of the answer section. It is our own response, and read as carefully as any. */
function answersOf(message: Buffer): string[] {
  const found: string[] = [];
  if (message.length < HEADER_SIZE) return found;
  const end = message.length;
  let at = HEADER_SIZE;
  for (let questions = readU16(message, 4); questions > 0; questions--) {
    at = skipName(message, at, end);
    if (at === -1 || at + 4 > end) return found;
    at += 4;
  }
  for (let left = readU16(message, 6); left > 0 && found.length < ANSWERS_MAX; left--) {
    at = readRecord(message, at, end, record);
    if (at === -1) return found;
    const rdata = message.subarray(record.rdata, record.rdataEnd);
    if (record.type === TYPE_A && rdata.length === 4) {
      found.push(addressToText(Buffer.concat([MAPPED, rdata]), 0));
    } else if (record.type === TYPE_AAAA && rdata.length === 16) {
      found.push(addressToText(rdata, 0));
    }
  }
  return found;
}
