/**
 * Rules: the texts by which a decision names what decided it. One registry per snapshot; each
 * compile step adds its own and keeps the numbers.
 *
 * A rule here is a name tag, `payments.yaml:34 allow *.partner.example`; what it does stands in the
 * tables of the step that added it.
 */

import type { Entry } from '../config/types.ts';
import { typeToText } from '../wire/text.ts';
import type { TextsMemory } from './texts.ts';

export class Rules {
  /** Index is the rule id; 0 is "no rule". */
  readonly #texts: string[] = [''];

  /** @returns the rule id, 1 or more */
  add(text: string): number {
    return this.#texts.push(text) - 1;
  }

  /** The text of a rule; '' for 0 and for numbers never given out. */
  text(id: number): string {
    return this.#texts[id] ?? '';
  }

  /** Rules added so far. */
  get count(): number {
    return this.#texts.length - 1;
  }

  /** All texts as shared octets, for `Texts`. Rules added later are not in it. */
  finish(): TextsMemory {
    return packTexts(this.#texts);
  }
}

/**
 * The text of an entry in a list: `payments.yaml:34 allow *.partner.example (A, AAAA)`.
 *
 * @param list how the list is called: `allow`, `deny`, `everyone.deny`, `bundle aws-core`
 */
export function ruleText(list: string, entry: Entry): string {
  const types = entry.types === null ? '' : ` (${entry.types.map(typeToText).join(', ')})`;
  return `${entry.at.file}:${entry.at.line} ${list} ${entry.pattern.text}${types}`;
}

/** Packs `texts` into shared memory; index in the list is the id, and `texts[0]` must be ''. */
export function packTexts(texts: readonly string[]): TextsMemory {
  const starts = new Uint32Array(
    new SharedArrayBuffer((texts.length + 1) * Uint32Array.BYTES_PER_ELEMENT),
  );
  let length = 0;
  for (const [id, text] of texts.entries()) {
    starts[id] = length;
    length += Buffer.byteLength(text, 'utf8');
  }
  starts[texts.length] = length;
  const octets = new Uint8Array(new SharedArrayBuffer(length));
  const view = Buffer.from(octets.buffer);
  for (const [id, text] of texts.entries()) view.write(text, starts[id] ?? 0, 'utf8');
  return { octets, starts };
}
