/**
 * Lists in brackets. On one line and without comments the list is written anew from the texts of
 * its entries; over several lines entries and their commas are cut out where they stand.
 */

import type { CST } from 'yaml';
import type { NewItem } from './edit-lists.ts';
import { contentEnd, lineAfter, lineStart, type TextEdit } from './edit-text.ts';

interface Item {
  readonly from: number;
  readonly to: number;
}

export function editFlow(
  text: string,
  token: CST.FlowCollection,
  gone: ReadonlySet<number>,
  add: readonly NewItem[],
): TextEdit[] | string {
  const close = token.end.find(({ type }) => type === 'flow-seq-end');
  if (close === undefined) return 'a list without its end';
  const items = itemsOf(token);
  const from = token.offset + 1;
  const inside = text.slice(from, close.offset);
  if (/[\n#]/.test(inside)) return cut({ text, token, items, end: close.offset }, gone, add);
  const kept = items.flatMap((item, i) => (gone.has(i) ? [] : [text.slice(item.from, item.to)]));
  const all = [...kept, ...add.map((item) => item.text)].join(', ');
  const isTight = inside !== '' && !inside.startsWith(' ');
  const padding = all === '' || isTight ? '' : ' ';
  return [{ from, to: close.offset, text: `${padding}${all}${padding}` }];
}

/** A new key with its list in a mapping in braces, behind what it holds. */
export function newFlow(
  { at, isFirst }: { readonly at: number; readonly isFirst: boolean },
  key: string,
  add: readonly NewItem[],
): TextEdit[] | string {
  if (isFirst) return 'an empty mapping';
  const list = add.map(({ text }) => text).join(', ');
  return [{ from: at, to: at, text: `, ${key}: [ ${list} ]` }];
}

interface Lines {
  readonly text: string;
  readonly token: CST.FlowCollection;
  readonly items: readonly Item[];
  /** Of the closing bracket. */
  readonly end: number;
}

function cut(
  { text, token, items, end }: Lines,
  gone: ReadonlySet<number>,
  add: readonly NewItem[],
): TextEdit[] {
  const commas = commasOf(token);
  const edits: TextEdit[] = [];
  for (const [i, item] of items.entries()) {
    if (!gone.has(i)) continue;
    const next = items[i + 1]?.from ?? end;
    // A comma behind the last entry that is kept is no mistake in YAML.
    const comma = commas.find((at) => at >= item.to && at < next);
    edits.push(...itemAndComma(text, item, comma));
  }
  if (add.length === 0) return edits;
  const list = add.map((item) => item.text).join(', ');
  const last = items.findLastIndex((_, i) => !gone.has(i));
  const kept = items[last];
  // Behind the last entry, in front of its comma and comment; else right behind the bracket.
  if (kept === undefined)
    edits.push({ from: token.offset + 1, to: token.offset + 1, text: ` ${list}` });
  else edits.push({ from: kept.to, to: kept.to, text: `, ${list}` });
  return edits;
}

function itemAndComma(text: string, item: Item, comma: number | undefined): TextEdit[] {
  if (comma === undefined) return [wholeLine(text, item.from, item.to)];
  const isNext = text.slice(item.to, comma).trim() === '';
  if (isNext) return [wholeLine(text, item.from, comma + 1)];
  return [
    { from: item.from, to: item.to, text: '' },
    { from: comma, to: comma + 1, text: '' },
  ];
}

/** What goes, with its line where nothing else stands there. */
function wholeLine(text: string, from: number, to: number): TextEdit {
  const [start, after] = [lineStart(text, from), lineAfter(text, to)];
  const isAlone = text.slice(start, from).trim() === '' && text.slice(to, after).trim() === '';
  return isAlone ? { from: start, to: after, text: '' } : { from, to, text: '' };
}

function itemsOf(token: CST.FlowCollection): Item[] {
  return token.items.flatMap((item) => {
    const { start, key, value } = item;
    const property = start.find(({ type }) => type === 'anchor' || type === 'tag');
    const from = property?.offset ?? (key ?? value)?.offset;
    return from === undefined ? [] : [{ from, to: contentEnd({ ...item, start: [] }) }];
  });
}

function commasOf({ items }: CST.FlowCollection): number[] {
  return items.flatMap(({ start }) =>
    start.filter(({ type }) => type === 'comma').map(({ offset }) => offset),
  );
}
