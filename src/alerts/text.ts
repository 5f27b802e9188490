/**
 * Text that may stand in a syslog line, a JSON line or a terminal. It escapes what could act there;
 * it does not escape for a particular format (that is rfc5424.ts).
 */

/** Characters a field may have; an escaped name of 255 octets has at most 1,016. */
export const TEXT_MAX = 1024;

/** C0, DEL, C1, line and paragraph separators, and the marks that reorder text for readers. */
const ACTIVE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeActive(character: string): string {
  const code = character.charCodeAt(0);
  return code < 256
    ? `\\${String(code).padStart(3, '0')}` // as RFC 1035 5.1 writes octets
    : `\\u${code.toString(16)}`;
}

/** `text` with active characters escaped, well-formed, and cut at TEXT_MAX with an ellipsis. */
export function plain(text: string): string {
  const clean = text.toWellFormed().replace(ACTIVE, escapeActive);
  return clean.length <= TEXT_MAX ? clean : `${clean.slice(0, TEXT_MAX - 1).toWellFormed()}…`;
}
