/**
 * What a pair's row keeps of its first query, packed into 27 octets: one value to bind and to store
 * in place of five. Big-endian.
 *
 *     source 16 | qtype 2 | verdict 1 | policy 4 | rule 4
 */

const AT_QTYPE = 16;
const AT_VERDICT = 18;
const AT_POLICY = 19;
const AT_RULE = 23;
export const FIRST_SIZE = 27;

export interface First {
  /** 16 octets, IPv4 mapped, a character each. */
  readonly source: string;
  readonly qtype: number;
  /** VERDICT_* of `record.ts`. */
  readonly verdict: number;
  /** Keys in the tables `policy` and `rule`; 0 for none. */
  readonly policyId: number;
  readonly ruleId: number;
}

export function packFirst(into: Buffer, { source, qtype, verdict, policyId, ruleId }: First): void {
  into.write(source, 0, 16, 'latin1');
  into.writeUInt16BE(qtype, AT_QTYPE);
  into.writeUInt8(verdict, AT_VERDICT);
  into.writeUInt32BE(policyId, AT_POLICY);
  into.writeUInt32BE(ruleId, AT_RULE);
}

/** Reads what `packFirst` wrote; of a spoiled row as much as there is. */
export function unpackFirst(octets: Buffer): First {
  const whole = octets.length < FIRST_SIZE ? Buffer.alloc(FIRST_SIZE) : octets;
  return {
    source: whole.toString('latin1', 0, AT_QTYPE),
    qtype: whole.readUInt16BE(AT_QTYPE),
    verdict: whole.readUInt8(AT_VERDICT),
    policyId: whole.readUInt32BE(AT_POLICY),
    ruleId: whole.readUInt32BE(AT_RULE),
  };
}
