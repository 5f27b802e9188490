/**
 * A configuration file changed as a person would: entries leave lists and come to them, and every
 * other octet stays where it is, comments and order included. Works on the text, by the places that
 * the YAML parser gives; what stands behind an anchor or an alias is left to people, because it is
 * in force in more than one place.
 */

import type { Pair, YAMLMap, YAMLSeq } from 'yaml';
import { type CST, type Document, isAlias, isMap, isSeq, parseDocument } from 'yaml';
import { editBlock, newBlock } from './edit-block.ts';
import { editFlow, newFlow } from './edit-flow.ts';
import { applyEdits, contentEnd, type TextEdit } from './edit-text.ts';

/** An entry that comes to a list. */
export interface NewItem {
  /** As YAML. */
  readonly text: string;
  /** Behind it, where the list has a line for each entry; without the `#`. */
  readonly comment: string;
}

export interface ListChange {
  /** Where the list is, or belongs. */
  readonly path: readonly string[];
  /** Indexes of the items that go. */
  readonly remove: readonly number[];
  readonly add: readonly NewItem[];
}

export class FileEdit {
  readonly #text: string;
  readonly #document: Document;
  readonly #edits: TextEdit[] = [];

  /** @param text a file that `check` takes, without byte order mark */
  constructor(text: string) {
    this.#text = text;
    this.#document = parseDocument(text, {
      keepSourceTokens: true,
      uniqueKeys: false,
      version: '1.2',
    });
  }

  /** Changes one list; each list at most once. @returns null, or why it is left as it is */
  change(list: ListChange): string | null {
    const edits = this.#editsOf(list);
    if (typeof edits === 'string') return edits;
    this.#edits.push(...edits);
    return null;
  }

  /** The changed text. */
  finish(): string {
    return applyEdits(this.#text, this.#edits);
  }

  #editsOf({ path, remove, add }: ListChange): TextEdit[] | string {
    const found = this.#find(path);
    if (typeof found === 'string') return found;
    const { pair, parent } = found;
    if (pair === null)
      return remove.length > 0 ? 'the list is gone' : this.#newList(path, parent, add);
    const list = pair.value;
    if (!isSeq(list)) return 'not a list';
    for (const index of remove) {
      if (list.items[index] === undefined) return `no entry ${index}`;
      if (hasAnchor(list.items[index])) return SHARED;
    }
    return this.#editList({ pair, list, gone: new Set(remove), add });
  }

  #editList({ pair, list, gone, add }: ListEdit): TextEdit[] | string {
    const token = list.srcToken;
    if (token?.type === 'flow-collection') return editFlow(this.#text, token, gone, add);
    if (token?.type !== 'block-seq') return 'a list in a form that is not known';
    const colon = pair.srcToken?.sep?.find(({ type }) => type === 'map-value-ind');
    const whenEmpty = colon === undefined ? null : colon.offset + 1;
    return editBlock({ text: this.#text, token, whenEmpty }, gone, add);
  }

  #newList(path: readonly string[], parent: YAMLMap, add: readonly NewItem[]): TextEdit[] | string {
    const token = parent.srcToken;
    const key = path.at(-1) ?? '';
    if (token?.type === 'flow-collection') {
      return newFlow({ at: endOfLast(token.items), isFirst: token.items.length === 0 }, key, add);
    }
    if (token?.type !== 'block-map') return 'a mapping in a form that is not known';
    return newBlock(this.#text, { first: token.offset, end: endOfLast(token.items) }, { key, add });
  }

  /** The pair that holds the list, null where its parent has none; or why nobody may touch it. */
  #find(path: readonly string[]): Found | string {
    let map: unknown = this.#document.contents;
    for (const [i, key] of path.entries()) {
      if (isAlias(map) || hasAnchor(map)) return SHARED;
      if (!isMap(map)) return 'not a mapping';
      const pair: Pair | undefined = map.items.find((one) => keyText(one.key) === key);
      if (i < path.length - 1) {
        map = pair?.value;
        continue;
      }
      if (pair === undefined) return { pair: null, parent: map };
      return isAlias(pair.value) || hasAnchor(pair.value) ? SHARED : { pair, parent: map };
    }
    return 'no path';
  }
}

const SHARED = 'it stands behind a YAML anchor, which other places may use';

interface Found {
  readonly pair: Pair | null;
  readonly parent: YAMLMap;
}

interface ListEdit {
  readonly pair: Pair;
  readonly list: YAMLSeq;
  /** Indexes of the items that go. */
  readonly gone: ReadonlySet<number>;
  readonly add: readonly NewItem[];
}

function endOfLast(items: readonly CST.CollectionItem[]): number {
  return items.reduce((end, item) => Math.max(end, contentEnd(item)), 0);
}

function hasAnchor(node: unknown): boolean {
  return (node as { anchor?: string } | null | undefined)?.anchor !== undefined;
}

/** A key as it stands in the file: `5353` and `true` are names there too. */
function keyText(key: unknown): string | null {
  const { value, source } = (key ?? {}) as { value?: unknown; source?: string };
  return typeof value === 'string' ? value : (source ?? null);
}
