/** Text on its way into a page: nothing of it is ever markup, and nothing hides or turns around. */

import { escapeText } from '../../cli/escape.ts';

const SPECIAL = /[&<>"']/;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text between tags and for quoted attributes. */
export function html(text: string): string {
  const safe = escapeText(text);
  return SPECIAL.test(safe) ? safe.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '') : safe;
}

/** A name that may break after its dots, so that a long one does not widen its table. */
export function breakable(text: string): string {
  return text.length < 24 ? html(text) : html(text).replaceAll('.', '.<wbr>');
}

/** A key for an anchor: letters, digits and `-` of the text, and its place in the page. */
export function anchor(text: string, index: number): string {
  return `g${index + 1}-${text.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 40)}`;
}
