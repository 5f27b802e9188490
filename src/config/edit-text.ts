/** Edits of a text by offsets, and where the tokens of a YAML file end. */

import type { CST } from 'yaml';

/** In place of the text from `from` to `to`, `to` not in it. */
export interface TextEdit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * Applies edits that do not overlap; of two at one place the one that was given first is first.
 */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let out = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (edit.from < at) throw new Error(`edits overlap at ${edit.from}`);
    out += text.slice(at, edit.from) + edit.text;
    at = edit.to;
  }
  return out + text.slice(at);
}

const NO_CONTENT: ReadonlySet<string> = new Set(['space', 'newline', 'comment', 'comma']);

/** Offset behind the last token of an item that is more than space, comma and comment. */
export function contentEnd({ start, key, sep, value }: CST.CollectionItem): number {
  const tokens = [...start, ...(sep ?? [])].map(sourceEnd);
  return Math.max(0, ...tokens, tokenEnd(key), tokenEnd(value));
}

function tokenEnd(token: CST.Token | null | undefined): number {
  if (token === null || token === undefined) return 0;
  if ('items' in token) {
    const end = 'end' in token ? token.end.map(sourceEnd) : [];
    return Math.max(0, ...end, ...token.items.map(contentEnd));
  }
  // A block scalar has its header in front, and no offset for its text.
  if (token.type === 'block-scalar') {
    const header = token.props.reduce((end, one) => Math.max(end, wholeEnd(one)), token.offset);
    return header + token.source.length;
  }
  return 'source' in token ? token.offset + token.source.length : 0;
}

function sourceEnd(token: CST.SourceToken): number {
  return NO_CONTENT.has(token.type) ? 0 : wholeEnd(token);
}

function wholeEnd(token: CST.Token): number {
  return 'source' in token ? token.offset + token.source.length : 0;
}

/** Where the line that `at` is in starts. */
export function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Where the line after that of `at` starts; the text's end after the last. */
export function lineAfter(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

/** How lines of the file end. */
export function lineEnd(text: string): string {
  return /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n';
}
