/**
 * The public suffix list as a table of wire suffixes, compiled from the list that tldts carries.
 *
 * tldts answers for strings only, and a string per new name is what the fast lane must not make.
 * Its data module holds the rules as a tree of labels; the tree is walked once at start. The
 * private section counts: a stranger can own a name below `github.io` as below `com`. A seeded test
 * ties this table to tldts' own answers.
 */

import { createRequire } from 'node:module';
import { FingerprintsBuilder, type FingerprintsMemory } from '../fingerprints.ts';
import { readName, WireName } from '../wire/name.ts';
import { nameToWire } from '../wire/text.ts';
import { EXCEPTION, PRIVATE_RULE, PRIVATE_WILDCARD, RULE, TREE, WILDCARD } from './registrable.ts';

/** Of a node's flags: the rule is of the list's private section. */
const PRIVATE_SECTION = 2;

/** The part of tldts' data module that is read. */
interface Trie {
  readonly nodeFlags: Uint8Array;
  readonly edgeStart: Uint16Array;
  readonly edgeChild: Uint16Array;
  readonly edgeLength: Uint8Array;
  readonly labelText: string;
  readonly rulesRoot: number;
  readonly exceptionsRoot: number;
}

/** Compiles the table; the hash key of this thread must be the one its readers use. */
export function compilePublicSuffixes(): FingerprintsMemory {
  const require = createRequire(import.meta.url);
  const trie = require('tldts/dist/cjs/src/data/trie.js') as Trie;
  const offsets = edgeOffsets(trie);
  const builder = new FingerprintsBuilder(trie.edgeLength.length);
  addNodes({ trie, offsets, builder }, trie.rulesRoot, '', RULE);
  addNodes({ trie, offsets, builder }, trie.exceptionsRoot, '', EXCEPTION);
  return builder.finish();
}

interface Walk {
  readonly trie: Trie;
  readonly offsets: Uint32Array;
  readonly builder: FingerprintsBuilder;
}

/** Where each edge's label starts in the label text: they stand there one after the other. */
function edgeOffsets(trie: Trie): Uint32Array {
  const offsets = new Uint32Array(trie.edgeLength.length);
  let offset = 0;
  for (let edge = 0; edge < offsets.length; edge++) {
    offsets[edge] = offset;
    offset += trie.edgeLength[edge] ?? 0;
  }
  return offsets;
}

function addNodes(walk: Walk, node: number, suffix: string, flag: number): void {
  const { trie, offsets } = walk;
  const last = trie.edgeStart[node + 1] ?? 0;
  for (let edge = trie.edgeStart[node] ?? 0; edge < last; edge++) {
    const offset = offsets[edge] ?? 0;
    const label = trie.labelText.slice(offset, offset + (trie.edgeLength[edge] ?? 0));
    const child = trie.edgeChild[edge] ?? 0;
    const flags = trie.nodeFlags[child] ?? 0;
    const isRule = flags !== 0;
    const isPrivate = (flags & PRIVATE_SECTION) !== 0;
    if (label === '*') {
      if (!isRule) continue;
      addFlag(walk.builder, suffix, isPrivate ? WILDCARD | PRIVATE_WILDCARD : WILDCARD);
      continue;
    }
    // The list writes some labels in Unicode and in ASCII; names on the wire are ASCII.
    if (!/^[\x21-\x7e]+$/.test(label)) continue;
    const name = suffix === '' ? label : `${label}.${suffix}`;
    const own = isPrivate ? flag | PRIVATE_RULE : flag;
    addFlag(walk.builder, name, isRule ? own | TREE : TREE);
    addNodes(walk, child, name, flag);
  }
}

const scratch = new WireName();

function addFlag(builder: FingerprintsBuilder, name: string, flag: number): void {
  const wire = nameToWire(name);
  readName(wire, 0, wire.length, scratch);
  const low = scratch.low[0] ?? 0;
  const high = scratch.high[0] ?? 0;
  builder.set(low, high, builder.get(low, high) | flag);
}
