/**
 * compile: zones to the shared tables that answer.ts reads. The slow lane; compiling throws nothing
 * of its own, because parsed zones are valid. It does not answer and knows no policy.
 *
 * The longest suffix speaks for a name, whether it is a zone's or a forward rule's. So records that
 * a zone holds below a longer apex are left out, and the names between the two apexes exist.
 */

import type { Config } from '../config/types.ts';
import { messageOf, type Problem, ProblemsError } from '../errors.ts';
import { FingerprintsBuilder, type FingerprintsMemory } from '../fingerprints.ts';
import { CLASS_IN, TYPE_NSEC3, TYPE_SOA } from '../wire/constants.ts';
import { readName, WireName } from '../wire/name.ts';
import { readU32 } from '../wire/octets.ts';
import { nameToText } from '../wire/text.ts';
import { builtinZones, type ServedZone } from './builtin.ts';
import { designatedRecords } from './designated.ts';
import { keyOf, lowerCase, parentOf } from './escapes.ts';
import { loadZone } from './master.ts';
import * as layout from './memory.ts';
import type { RrSet, Zone } from './zone.ts';

/**
 * The local zones of a configuration and the built-in ones, compiled.
 *
 * @throws ProblemsError ZONE with the problems of all files
 */
export function loadZones(
  config: Pick<Config, 'zones' | 'forward'> & Partial<Pick<Config, 'listen'>>,
): layout.ZonesMemory {
  const problems: Problem[] = [];
  const served: ServedZone[] = [];
  for (const { file, wire, private: isPrivate, at } of config.zones) {
    try {
      const zone = loadZone(file, wire);
      served.push({ zone, private: isPrivate, builtin: false, empty: false });
    } catch (thrown) {
      if (thrown instanceof ProblemsError) problems.push(...thrown.problems);
      else problems.push({ ...at, path: 'zones', message: messageOf(thrown) });
    }
  }
  if (problems.length > 0) throw new ProblemsError('ZONE', problems);
  const forwarded = config.forward.map((rule) => rule.wire);
  const claimed = [...config.zones.map((zone) => zone.wire), ...forwarded].map(lowerCase);
  const builtin = builtinZones(claimed, designatedRecords(config.listen ?? []));
  return compileZones([...served, ...builtin], forwarded);
}

/**
 * Compiles zones with different apexes.
 *
 * @param forwarded wire suffixes of the forward rules; one inside a zone takes its names out of it
 */
export function compileZones(
  served: readonly ServedZone[],
  forwarded: readonly Uint8Array[],
): layout.ZonesMemory {
  const compiler = new Compiler();
  for (const zone of served) compiler.addApex(zone);
  for (const suffix of forwarded) compiler.addForwarded(lowerCase(suffix));
  for (const { zone, empty } of served) if (!empty) compiler.addNodes(zone);
  compiler.connectApexes();
  return compiler.finish();
}

interface NodeDraft {
  readonly name: Uint8Array;
  readonly zone: number;
  readonly sets: readonly RrSet[];
}

interface ApexDraft {
  readonly name: Uint8Array;
  readonly flags: number;
  readonly soa: Uint8Array;
  readonly text: string;
}

class Compiler {
  readonly #apexes: ApexDraft[] = [];
  readonly #apexIndex = new Map<string, number>();
  readonly #nodes = new Map<string, NodeDraft>();

  addApex({ zone, ...served }: ServedZone): void {
    const flags =
      (served.private ? layout.ZONE_PRIVATE : 0) | (served.builtin ? layout.ZONE_BUILTIN : 0);
    const name = nameToText(zone.apex);
    const text = served.builtin ? `built-in zone ${name}` : `zone ${name} (${zone.file})`;
    this.#addApex({ name: zone.apex, flags, soa: negativeSoa(zone), text });
  }

  /** A forward rule matters here only inside a zone; a zone of the same name wins over it. */
  addForwarded(suffix: Uint8Array): void {
    if (this.#apexIndex.has(keyOf(suffix)) || this.#zoneOf(suffix) === -1) return;
    const text = `forward rule ${nameToText(suffix)}`;
    this.#addApex({
      name: suffix,
      flags: layout.ZONE_FORWARDED,
      soa: new Uint8Array(0),
      text,
    });
  }

  #addApex(apex: ApexDraft): void {
    this.#apexIndex.set(keyOf(apex.name), this.#apexes.length);
    this.#apexes.push(apex);
  }

  /** Index of the longest apex that is a suffix of the name, -1 for none. */
  #zoneOf(name: Uint8Array): number {
    for (let at: Uint8Array | null = name; at !== null; at = parentOf(at)) {
      const index = this.#apexIndex.get(keyOf(at));
      if (index !== undefined) return index;
    }
    return -1;
  }

  addNodes(zone: Zone): void {
    const index = this.#apexIndex.get(keyOf(zone.apex));
    for (const { owner, sets } of zone.nodes) {
      if (index === undefined || this.#zoneOf(owner) !== index) continue;
      if (sets.every(isHashedDenial)) continue;
      this.#nodes.set(keyOf(owner), { name: owner, zone: index, sets });
      this.#addAbove(owner, index);
    }
  }

  /** A name below another apex makes the names above exist, or RFC 8020 would deny it. */
  connectApexes(): void {
    for (const { name } of this.#apexes) {
      const parent = parentOf(name);
      const outer = parent === null ? -1 : this.#zoneOf(parent);
      if (outer !== -1) this.#addAbove(name, outer);
    }
  }

  /** Empty non-terminals between a name and its apex, the apex included (RFC 4592 2.2.2). */
  #addAbove(name: Uint8Array, zone: number): void {
    const apexLength = this.#apexes[zone]?.name.length ?? 0;
    for (let at = parentOf(name); at !== null && at.length >= apexLength; at = parentOf(at)) {
      if (this.#nodes.has(keyOf(at)) || this.#zoneOf(at) !== zone) return;
      this.#nodes.set(keyOf(at), { name: at, zone, sets: [] });
    }
  }

  finish(): layout.ZonesMemory {
    const octets = new OctetsWriter();
    const zones = this.#apexes.flatMap((apex) => zoneWords(apex, octets));
    const drafts = [...this.#nodes.values()];
    const indexes = new Map(drafts.map((draft, index) => [keyOf(draft.name), index]));
    const nodes: number[] = [];
    const sets: number[] = [];
    for (const { name, zone, sets: own } of drafts) {
      const wildcard = indexes.get(`\u0001*${keyOf(name)}`) ?? -1;
      const firstSet = sets.length / layout.SET_WORDS;
      nodes.push(octets.add(name), name.length, zone, firstSet, own.length, wildcard + 1);
      for (const set of own) {
        sets.push(set.type, set.covered, octets.length, set.rdatas.length);
        for (const rdata of set.rdatas) octets.add(record(set.type, set.ttl, rdata));
      }
    }
    return {
      apexes: fingerprints(this.#apexes),
      names: fingerprints(drafts),
      zones: shareWords(zones),
      nodes: shareWords(nodes),
      sets: shareWords(sets),
      octets: octets.share(),
      texts: this.#apexes.map((apex) => apex.text),
    };
  }
}

/** RFC 5155 7.2.8: the owner of nothing but NSEC3 is not a name that exists. */
function isHashedDenial(set: RrSet): boolean {
  return set.type === TYPE_NSEC3 || set.covered === TYPE_NSEC3;
}

function zoneWords(apex: ApexDraft, octets: OctetsWriter): number[] {
  const nameAt = octets.add(apex.name);
  let labels = 0;
  for (let at = parentOf(apex.name); at !== null; at = parentOf(at)) labels++;
  return [nameAt, apex.name.length, labels, apex.flags, octets.add(apex.soa), apex.soa.length];
}

/** RFC 2308 section 5: the lesser of the SOA's TTL and its minimum. */
function negativeSoa(zone: Zone): Uint8Array {
  const apex = zone.nodes.find((node) => node.owner.length === zone.apex.length);
  const soa = apex?.sets.find((set) => set.type === TYPE_SOA);
  const rdata = soa?.rdatas[0];
  if (soa === undefined || rdata === undefined) return new Uint8Array(0);
  return record(TYPE_SOA, Math.min(soa.ttl, readU32(rdata, rdata.length - 4)), rdata);
}

/** A record without its owner. */
function record(type: number, ttl: number, rdata: Uint8Array): Uint8Array {
  const octets = new Uint8Array(10 + rdata.length);
  const view = new DataView(octets.buffer);
  view.setUint16(0, type);
  view.setUint16(2, CLASS_IN);
  view.setUint32(4, ttl);
  view.setUint16(8, rdata.length);
  octets.set(rdata, 10);
  return octets;
}

function fingerprints(named: readonly { readonly name: Uint8Array }[]): FingerprintsMemory {
  const builder = new FingerprintsBuilder(named.length);
  const wire = new WireName();
  for (const [index, { name }] of named.entries()) {
    readName(name, 0, name.length, wire);
    builder.set(wire.low[0] ?? 0, wire.high[0] ?? 0, index + 1);
  }
  return builder.finish();
}

function shareWords(words: readonly number[]): Int32Array {
  const shared = new Int32Array(new SharedArrayBuffer(words.length * Int32Array.BYTES_PER_ELEMENT));
  shared.set(words);
  return shared;
}

/** Octets appended piece by piece. */
class OctetsWriter {
  #octets = new Uint8Array(4096);
  length = 0;

  /** @returns where the piece stands */
  add(piece: Uint8Array): number {
    const at = this.length;
    if (at + piece.length > this.#octets.length) {
      const larger = new Uint8Array((at + piece.length) * 2);
      larger.set(this.#octets);
      this.#octets = larger;
    }
    this.#octets.set(piece, at);
    this.length += piece.length;
    return at;
  }

  share(): Uint8Array {
    const shared = new Uint8Array(new SharedArrayBuffer(this.length));
    shared.set(this.#octets.subarray(0, this.length));
    return shared;
  }
}
