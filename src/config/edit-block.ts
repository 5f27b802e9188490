/** Lists with a line for each entry: whole lines go and come. */

import type { CST } from 'yaml';
import type { NewItem } from './edit-lists.ts';
import { contentEnd, lineAfter, lineEnd, lineStart, type TextEdit } from './edit-text.ts';

export interface BlockList {
  readonly text: string;
  readonly token: CST.BlockSequence;
  /** Where `[]` stands when no entry is left; null where that is not known. */
  readonly whenEmpty: number | null;
}

/** @returns why not, where an entry shares its line with something else */
export function editBlock(
  { text, token, whenEmpty }: BlockList,
  gone: ReadonlySet<number>,
  add: readonly NewItem[],
): TextEdit[] | string {
  const spans = spansOf(text, token);
  const [first] = spans;
  if (first === undefined || first === null || spans.includes(null)) {
    return 'an entry shares its line';
  }
  const edits: TextEdit[] = [];
  for (const [i, span] of spans.entries()) {
    if (gone.has(i) && span !== null) edits.push({ from: span.from, to: span.to, text: '' });
  }
  if (add.length > 0) {
    const end = spans.at(-1)?.to ?? text.length;
    const isOpen = text[end - 1] !== '\n' && !gone.has(spans.length - 1);
    const added = newLines(lines(first.indent, add), lineEnd(text), isOpen);
    edits.push({ from: end, to: end, text: added });
  } else if (gone.size === spans.length) {
    if (whenEmpty === null) return 'its key is not known';
    edits.push({ from: whenEmpty, to: whenEmpty, text: ' []' });
  }
  return edits;
}

/** A new key with its list at the end of a mapping. @param map offsets of its content */
export function newBlock(
  text: string,
  map: { readonly first: number; readonly end: number },
  { key, add }: { readonly key: string; readonly add: readonly NewItem[] },
): TextEdit[] | string {
  const indent = text.slice(lineStart(text, map.first), map.first);
  if (indent.trim() !== '') return 'the mapping shares its line';
  const at = endOfLines(text, map.end);
  const list = [`${indent}${key}:`, ...lines(`${indent}  `, add)];
  const added = newLines(list, lineEnd(text), text[at - 1] !== '\n');
  return [{ from: at, to: at, text: added }];
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly indent: string;
}

/** The lines of each entry; null for one that shares its first line. */
function spansOf(text: string, token: CST.BlockSequence): (Span | null)[] {
  return token.items.flatMap((item) => {
    const dash = item.start.find(({ type }) => type === 'seq-item-ind');
    // Comments behind the last entry are an item without a dash.
    if (dash === undefined) return [];
    const from = lineStart(text, dash.offset);
    const indent = text.slice(from, dash.offset);
    if (indent.trim() !== '') return [null];
    return [{ from, to: endOfLines(text, contentEnd(item)), indent }];
  });
}

/** A block scalar ends with the line; everything else before what is left of it. */
function endOfLines(text: string, contentsEnd: number): number {
  return text[contentsEnd - 1] === '\n' ? contentsEnd : lineAfter(text, contentsEnd);
}

function lines(indent: string, add: readonly NewItem[]): string[] {
  return add.map(
    ({ text, comment }) => `${indent}- ${text}${comment === '' ? '' : `  # ${comment}`}`,
  );
}

/** @param isOpen whether the line in front of them has no end yet */
function newLines(list: readonly string[], end: string, isOpen: boolean): string {
  return list.map((line) => (isOpen ? end + line : line + end)).join('');
}
