/**
 * Patches of policy files: unified diffs that `patch -p0` applies, made from whole list items.
 *
 * An item is edited where it begins its line with `- `; lists in one line, and anything that the
 * lines do not show plainly, are left to a person. Comments and order stay as they are.
 */

const CONTEXT_LINES = 3;

export interface Edit {
  /** 1-based line of the item. */
  readonly line: number;
  /** Patterns in place of it; none to remove it. */
  readonly patterns: readonly string[];
}

export interface Edited {
  /** Unified diff; '' where no edit could be made. */
  readonly diff: string;
  /** Lines of the edits that a person must make. */
  readonly byHand: readonly number[];
}

interface Change {
  /** 0-based; lines from here on, as many as `removed`, go. */
  readonly at: number;
  readonly removed: number;
  readonly added: readonly string[];
}

export function editFile(path: string, text: string, edits: readonly Edit[]): Edited {
  const lines = text.split('\n');
  const changes: Change[] = [];
  const byHand: number[] = [];
  for (const edit of edits.toSorted((a, b) => a.line - b.line)) {
    const change = changeOf(lines, edit);
    if (change === null) byHand.push(edit.line);
    else if (changes.at(-1)?.at !== change.at) changes.push(change);
  }
  // A list must not be left without items: that is another value, and may not be allowed.
  const kept = changes.filter((change) => {
    if (change.added.length > 0 || !isEmptied(lines, change, changes)) return true;
    byHand.push(change.at + 1);
    return false;
  });
  return { diff: diffOf(path, lines, kept), byHand: byHand.sort((a, b) => a - b) };
}

function changeOf(lines: readonly string[], { line, patterns }: Edit): Change | null {
  const at = line - 1;
  const found = /^(\s*)- +\S/.exec(lines[at] ?? '');
  if (found === null) return null;
  const indent = found[1] ?? '';
  const removed = itemLength(lines, at, indent.length);
  return { at, removed, added: patterns.map((pattern) => `${indent}- ${quoted(pattern)}`) };
}

/** Lines of an item: what follows is indented further. Comments and empty lines end it. */
function itemLength(lines: readonly string[], at: number, indent: number): number {
  let length = 1;
  for (; at + length < lines.length; length++) {
    const line = lines[at + length] ?? '';
    if (line.trim() === '' || indentOf(line) <= indent || line.trim().startsWith('#')) break;
  }
  return length;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Whether all items of the list that a change is in go. */
function isEmptied(lines: readonly string[], change: Change, changes: readonly Change[]): boolean {
  const gone = new Set(changes.filter(({ added }) => added.length === 0).map(({ at }) => at));
  const indent = indentOf(lines[change.at] ?? '');
  return itemsAround(lines, change.at, indent).every((at) => gone.has(at));
}

function itemsAround(lines: readonly string[], from: number, indent: number): number[] {
  const items = [from];
  for (const step of [-1, 1]) {
    for (let at = from + step; at >= 0 && at < lines.length; at += step) {
      const line = lines[at] ?? '';
      if (line.trim() === '' || line.trim().startsWith('#')) continue;
      if (indentOf(line) < indent || (indentOf(line) === indent && !/^\s*- /.test(line))) break;
      if (indentOf(line) === indent) items.push(at);
    }
  }
  return items;
}

/** A pattern as YAML reads it back: `*` and `.` at the begin are not plain there. */
function quoted(pattern: string): string {
  return /^[a-z0-9][a-z0-9._-]*$/.test(pattern) ? pattern : JSON.stringify(pattern);
}

function diffOf(path: string, lines: readonly string[], changes: readonly Change[]): string {
  if (changes.length === 0) return '';
  const parts = [`--- ${path}`, `+++ ${path}`];
  let shift = 0;
  for (const hunk of hunksOf(changes)) {
    const first = hunk[0] as Change;
    const last = hunk.at(-1) as Change;
    const from = Math.max(0, first.at - CONTEXT_LINES);
    const end = lines.at(-1) === '' ? lines.length - 1 : lines.length;
    const to = Math.min(end, last.at + last.removed + CONTEXT_LINES);
    const grown = hunk.reduce((sum, { added, removed }) => sum + added.length - removed, 0);
    const size = to - from;
    parts.push(`@@ -${from + 1},${size} +${from + 1 + shift},${size + grown} @@`);
    parts.push(...hunkLines(lines, hunk, [from, to]));
    shift += grown;
  }
  return `${parts.join('\n')}\n`;
}

/** Changes whose surroundings meet go into one hunk. */
function hunksOf(changes: readonly Change[]): Change[][] {
  const hunks: Change[][] = [];
  for (const change of changes) {
    const before = hunks.at(-1)?.at(-1);
    const gap = before === undefined ? Infinity : change.at - before.at - before.removed;
    if (gap <= 2 * CONTEXT_LINES) hunks.at(-1)?.push(change);
    else hunks.push([change]);
  }
  return hunks;
}

function hunkLines(
  lines: readonly string[],
  hunk: readonly Change[],
  [from, to]: readonly [number, number],
): string[] {
  const out: string[] = [];
  let at = from;
  for (const change of hunk) {
    for (; at < change.at; at++) out.push(` ${lines[at]}`);
    for (; at < change.at + change.removed; at++) out.push(`-${lines[at]}`);
    for (const line of change.added) out.push(`+${line}`);
  }
  for (; at < to; at++) out.push(` ${lines[at]}`);
  return out;
}
