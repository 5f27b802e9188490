/**
 * Text from outside made harmless for a terminal, a log and a page: nothing that moves a cursor,
 * starts an escape sequence, hides, or turns the order of characters around.
 *
 * Names are escaped as RFC 1035 5.1 says where they are made; this is for every stored string.
 */

/** C0, DEL, C1, marks that are not seen, direction overrides, line separators, lone surrogates. */
const HARMFUL =
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

/** Most text is plain ASCII: one look at it is a tenth of what looking for the others takes. */
const NOT_PLAIN = /[^\x20-\x7e]/;

/** `\u{1b}` in place of each harmful character; other text is left as it is. */
export function escapeText(text: string): string {
  if (!NOT_PLAIN.test(text)) return text;
  return text.replace(HARMFUL, (found) => `\\u{${codeOf(found)}}`);
}

/** JSON that is harmless too: JSON's own escapes cover only C0. */
export function safeJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!NOT_PLAIN.test(text)) return text;
  return text.replace(HARMFUL, (found) => `\\u${codeOf(found).padStart(4, '0')}`);
}

function codeOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}
