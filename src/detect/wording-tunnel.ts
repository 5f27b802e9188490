/** The words of the ledgers of novel information: tunnel, spread, tenant, download. Slow lane. */

import { typeToText } from '../wire/text.ts';
import {
  DOWNLOAD_ANSWERS,
  DOWNLOAD_SECONDS,
  DOWNLOAD_TYPE,
  LOOK_BASE32,
  LOOK_BASE64,
  LOOK_BINARY,
  LOOK_HEX,
  SPREAD_DOMAINS,
  SPREAD_SECONDS,
  TENANT_NAMES,
  TENANT_SECONDS,
  TUNNEL_ANSWER_OCTETS,
  TUNNEL_ENTROPY,
  TUNNEL_LONGEST,
  TUNNEL_LOOK,
  TUNNEL_NAMES,
  TUNNEL_ODD_PERCENT,
  TUNNEL_ODD_TYPE,
  TUNNEL_POPULAR,
  TUNNEL_QUERIES,
  TUNNEL_SECONDS,
} from './parts.ts';
import type { Numbers, Part, Wording } from './wording.ts';
import { counted, duration } from './wording-text.ts';

const LOOKS: ReadonlyMap<number, string> = new Map([
  [LOOK_HEX, 'hex'],
  [LOOK_BASE32, 'base32'],
  [LOOK_BASE64, 'base64'],
  [LOOK_BINARY, 'binary'],
]);
const TYPE_MAX = 0xffff;

export function tunnel(numbers: Numbers): Wording {
  const names = numbers.part(TUNNEL_NAMES);
  const seconds = numbers.part(TUNNEL_SECONDS);
  const verb = names === 1 ? 'carries' : 'carry';
  const bytes = counted(numbers.score, 'byte');
  return {
    summary: `${counted(names, 'new name')} ${verb} ${bytes} in ${duration(seconds)}`,
    parts: [
      { name: 'new_names', value: names, text: counted(names, 'new name') },
      { name: 'seconds', value: seconds, text: `in ${duration(seconds)}` },
      ...queries(numbers),
      ...shape(numbers),
      ...answers(numbers),
      ...popular(numbers),
    ],
  };
}

/** How much was asked, and for what. */
function queries(numbers: Numbers): Part[] {
  const count = numbers.part(TUNNEL_QUERIES);
  const percent = numbers.part(TUNNEL_ODD_PERCENT);
  const type = typeText(numbers.part(TUNNEL_ODD_TYPE));
  const list: Part[] = [];
  if (count > 0) {
    list.push({ name: 'queries', value: count, text: `${countedQueries(count)} went upstream` });
  }
  if (percent > 0) {
    const text = `${percent} % of them for ${type} or another type that carries data`;
    list.push({ name: 'odd_percent', value: percent, text });
    list.push({ name: 'odd_type', value: type, text: `the last of these for ${type}` });
  }
  return list;
}

/** What the names look like. */
function shape(numbers: Numbers): Part[] {
  const longest = numbers.part(TUNNEL_LONGEST);
  const entropy = numbers.part(TUNNEL_ENTROPY) / 100;
  const look = LOOKS.get(numbers.part(TUNNEL_LOOK));
  const list: Part[] = [];
  if (longest > 0) {
    const text = `the longest has ${counted(longest, 'octet')} below the domain`;
    list.push({ name: 'longest', value: longest, text });
  }
  if (entropy > 0) {
    const text = `the last name has ${entropy.toFixed(2)} bit a character`;
    list.push({ name: 'entropy', value: entropy, text });
  }
  if (look !== undefined) {
    list.push({ name: 'look', value: look, text: `the last name looks ${look}-encoded` });
  }
  return list;
}

function answers(numbers: Numbers): Part[] {
  const octets = numbers.part(TUNNEL_ANSWER_OCTETS);
  if (octets === 0) return [];
  const text = `answers brought ${counted(octets, 'byte')} of data`;
  return [{ name: 'answer_octets', value: octets, text }];
}

function popular(numbers: Numbers): Part[] {
  if (numbers.part(TUNNEL_POPULAR) === 0) return [];
  const text = 'the domain is popular, which raised the threshold';
  return [{ name: 'popular', value: 1, text }];
}

export function spread(numbers: Numbers): Wording {
  const domains = numbers.part(SPREAD_DOMAINS);
  const seconds = numbers.part(SPREAD_SECONDS);
  const bytes = counted(numbers.score, 'byte');
  const where = `names under ${counted(domains, 'domain')}`;
  return {
    summary: `${where} carry ${bytes} beyond what is usual in ${duration(seconds)}`,
    parts: [
      { name: 'domains', value: domains, text: counted(domains, 'domain') },
      { name: 'seconds', value: seconds, text: `in ${duration(seconds)}` },
    ],
  };
}

export function tenant(numbers: Numbers): Wording {
  const names = numbers.part(TENANT_NAMES);
  const seconds = numbers.part(TENANT_SECONDS);
  const bytes = counted(numbers.score, 'byte');
  const where = `${counted(names, 'tenant name')} under public suffixes`;
  return {
    summary: `${where} ${names === 1 ? 'carries' : 'carry'} ${bytes} in ${duration(seconds)}`,
    parts: [
      { name: 'tenants', value: names, text: counted(names, 'tenant name') },
      { name: 'seconds', value: seconds, text: `in ${duration(seconds)}` },
    ],
  };
}

export function download(numbers: Numbers): Wording {
  const count = numbers.part(DOWNLOAD_ANSWERS);
  const seconds = numbers.part(DOWNLOAD_SECONDS);
  const type = typeText(numbers.part(DOWNLOAD_TYPE));
  const bytes = counted(numbers.score, 'byte');
  const verb = count === 1 ? 'brings' : 'bring';
  return {
    summary: `${counted(count, 'new answer')} ${verb} ${bytes} in ${duration(seconds)}`,
    parts: [
      { name: 'new_answers', value: count, text: counted(count, 'new answer') },
      { name: 'seconds', value: seconds, text: `in ${duration(seconds)}` },
      { name: 'type', value: type, text: `the last of them ${type}` },
    ],
  };
}

function countedQueries(count: number): string {
  return count === 1 ? '1 query' : `${count} queries`;
}

/** Of a number that is no type, the lowest 16 bits. */
function typeText(type: number): string {
  return typeToText(type & TYPE_MAX);
}
