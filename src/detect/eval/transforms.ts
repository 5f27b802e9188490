/**
 * Transforms: what a tool's author could change to stay unseen, done to recorded sessions. Each
 * takes the queries of one session and gives those that it would have sent.
 */

import { LOWER } from '../../wire/octets.ts';
import { lowerName, octetsAbove } from './names.ts';
import type { Reply, Sample, Truth } from './sample.ts';

export interface Transform {
  readonly name: string;
  change(samples: readonly Sample[], background: readonly Sample[]): Sample[];
}

const TYPE_A = 1;
/** What is dealt out anew of a session: enough for any threshold. */
const PAYLOAD_MAX = 4096;

export const TRANSFORMS: readonly Transform[] = [
  ...[10, 100, 1000].map((factor) => ({
    name: `time x${factor}`,
    change: (samples: readonly Sample[]) =>
      samples.map((sample) => ({ ...sample, at: sample.at * factor })),
  })),
  ...[5, 10, 20].map((domains) => ({
    name: `dealt over ${domains} domains`,
    change: (samples: readonly Sample[]) => dealt(samples, domains),
  })),
  ...[8, 16].map((octets) => ({
    name: `${octets} octets a query, type A`,
    change: (samples: readonly Sample[]) => rechunked(samples, octets),
  })),
  {
    name: 'all of type A',
    change: (samples) =>
      samples.map((sample) => ({ ...sample, qtype: TYPE_A, reply: bare(sample.reply) })),
  },
  { name: 'letter case at random', change: mixedCase },
  { name: 'within a benign client', change: among },
];

/** What is left of a reply where the question is another one. */
function bare(reply: Reply | null): Reply | null {
  if (reply === null) return null;
  const rcode = reply.kind === 'row' ? reply.rcode : (reply.octets[3] ?? 0) & 15;
  return { kind: 'row', rcode, ttl: 0, records: '', length: 0 };
}

/** One domain after the other: `zone.example` becomes `zone-1.example`, `zone-2.example`, ... */
function dealt(samples: readonly Sample[], domains: number): Sample[] {
  return samples.map((sample, i) => {
    const zone = zoneOf(sample);
    if (sample.truth === null || zone === null) return sample;
    const other = otherZone(zone, `-${(i % domains) + 1}`);
    const above = sample.name.subarray(0, sample.name.length - zone.length);
    const name = Buffer.concat([above, other]);
    if (name.length > 255) return sample;
    const truth: Truth = { ...sample.truth, zone: other };
    return { ...sample, name, truth, reply: bare(sample.reply) };
  });
}

/** The zone that the name is in; null where it is in none. */
function zoneOf({ truth, name }: Sample): Uint8Array | null {
  const zone = truth?.zone ?? null;
  return zone !== null && octetsAbove(lowerName(name), zone) !== -1 ? zone : null;
}

function otherZone(zone: Uint8Array, ending: string): Uint8Array {
  const size = zone[0] ?? 0;
  const label = Buffer.from(ending, 'latin1');
  const first = Math.min(size + label.length, 63);
  const kept = zone.subarray(1, 1 + first - label.length);
  return Buffer.concat([Uint8Array.of(first), kept, label, zone.subarray(1 + size)]);
}

/** The same octets in short names, as evenly in time as the session's queries were on average. */
function rechunked(samples: readonly Sample[], octets: number): Sample[] {
  const [model] = samples;
  const zone = model === undefined ? null : zoneOf(model);
  if (model === undefined || zone === null) return [...samples];
  const payload = payloadOf(samples);
  const gap = ((samples.at(-1)?.at ?? 0) - model.at) / Math.max(1, samples.length - 1);
  const changed: Sample[] = [];
  for (let at = 0; at < payload.length; at += octets) {
    const chunk = payload.subarray(at, at + octets);
    const name = Buffer.concat([Uint8Array.of(chunk.length), chunk, zone]);
    const reply = bare({ kind: 'row', rcode: 0, ttl: 0, records: '', length: 0 });
    changed.push({ ...model, at: model.at + changed.length * gap, name, qtype: TYPE_A, reply });
  }
  return changed;
}

/** The labels below the zone of each distinct name, one after the other. */
function payloadOf(samples: readonly Sample[]): Buffer {
  const parts: Uint8Array[] = [];
  const seen = new Set<string>();
  let size = 0;
  for (const { name, truth } of samples) {
    const lower = lowerName(name);
    const key = Buffer.from(lower).toString('latin1');
    const above = truth?.zone == null ? -1 : octetsAbove(lower, truth.zone);
    if (seen.has(key) || above === -1 || size >= PAYLOAD_MAX) continue;
    seen.add(key);
    for (let at = 0; at < above; at += 1 + (name[at] ?? 0)) {
      const label = name.subarray(at + 1, at + 1 + (name[at] ?? 0));
      parts.push(label);
      size += label.length;
    }
  }
  return Buffer.concat(parts).subarray(0, PAYLOAD_MAX);
}

/** 0x20: the case of each letter by the toss of a coin, the same at each run. */
function mixedCase(samples: readonly Sample[]): Sample[] {
  let state = 0x2545f491;
  return samples.map((sample) => {
    const name = Uint8Array.from(sample.name);
    for (let label = 0; label < name.length; label += 1 + (name[label] ?? 0)) {
      const end = label + 1 + (name[label] ?? 0);
      for (let at = label + 1; at < end; at++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
        const lower = LOWER[name[at] ?? 0] ?? 0;
        if (state < 0 && lower >= 97 && lower <= 122) name[at] = lower - 32;
      }
    }
    return { ...sample, name };
  });
}

/** The session's client asks for everything that a busy benign one does, besides. */
function among(samples: readonly Sample[], background: readonly Sample[]): Sample[] {
  const [first] = samples;
  if (first === undefined) return [];
  const others = background.map((sample) => ({ ...sample, client: first.client }));
  return [...samples, ...others].sort((a, b) => a.at - b.at);
}
