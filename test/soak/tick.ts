/** An upstream whose every answer is the time at which it was made. */

import { A, QNAME, record } from '../support/records.ts';
import { type Asked, answerTo } from '../upstream/fake-server.ts';
import { TICK_TTL } from './world.ts';

/** Of the address: one that is no private one. The other three octets are the second. */
const FIRST_OCTET = 8;
const SECONDS_MASK = 0xffffff;

export function tick(asked: Asked): void {
  const rdata = Buffer.alloc(4);
  rdata.writeUInt32BE(secondsNow());
  rdata[0] = FIRST_OCTET;
  asked.reply(answerTo(asked, { answers: [record(QNAME, A, rdata, TICK_TTL)] }));
}

function secondsNow(): number {
  return Math.floor(Date.now() / 1000) & SECONDS_MASK;
}

/** Seconds since an answer was made, by its hexadecimal rdata. */
export function ageOf(rdata: string, nowMs: number): number {
  const age = (Math.floor(nowMs / 1000) - Number.parseInt(rdata.slice(2), 16)) & SECONDS_MASK;
  return age > SECONDS_MASK / 2 ? age - SECONDS_MASK - 1 : age;
}
