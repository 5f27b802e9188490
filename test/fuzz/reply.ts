/** What any reply owes to the query that it answers, read by decoders of other hands. */

import dnsPacket from 'dns-packet';
import { readMessage } from '../support/message.ts';
import { hold, word } from './mutate.ts';

/** RDATA of these dns-packet takes apart as RFCs say; the valve carries all other types unread. */
const READ_ALIKE = /^(A|AAAA|CNAME|NS|SOA|MX|OPT)$/;

/**
 * @param query octets 0..length-1 of what was sent
 * @throws Error that names the rule which the reply breaks
 */
export function checkReply(query: Uint8Array, length: number, reply: Buffer): void {
  hold(length >= 12, 'less than a header gets no reply');
  hold((word(query, 2) & 0x8000) === 0, 'a response gets no reply');
  checkAlone(reply);
  hold(word(reply, 0) === word(query, 0), 'the id');
  hold((word(reply, 2) & 0x7910) === (word(query, 2) & 0x7910), 'opcode, RD and CD are copied');
  const size = questionSize(reply);
  hold(12 + size <= length, 'the question was in the query');
  for (let i = 12; i < 12 + size; i++) hold(reply[i] === query[i], 'the question octet for octet');
}

/** What a reply owes whatever it answers: it can be read, and nothing is left behind it. */
export function checkAlone(reply: Buffer): void {
  hold(reply.length >= 12, 'a header');
  hold((word(reply, 2) & 0x8000) !== 0, 'QR');
  hold((word(reply, 2) & 0x0040) === 0, 'Z is clear');
  let isRead = false;
  try {
    dnsPacket.decode(reply);
    isRead = true;
    hold((dnsPacket.decode as unknown as { bytes: number }).bytes === reply.length, 'its end');
  } catch (thrown) {
    // Read whole by the other decoder, which leaves unknown RDATA alone: then it must be that.
    const message = readMessage(reply);
    const records = [...message.answers, ...message.authorities];
    if (isRead || records.every(({ type }) => READ_ALIKE.test(type))) throw thrown;
  }
}

/** Octets of the question section, as the reply counts it. */
function questionSize(reply: Uint8Array): number {
  if (word(reply, 4) === 0) return 0;
  let at = 12;
  while (at < reply.length && reply[at] !== 0) at += 1 + (reply[at] ?? 0);
  return at + 5 - 12;
}
