/**
 * The 16-octet address form of records and rows as text, for people. RFC 5952; mapped IPv4 is IPv4.
 */

const ADDRESS_SIZE = 16;

/** Text of the address at `at`; '' where fewer than 16 octets are left. */
export function addressText(octets: Uint8Array, at = 0): string {
  if (octets.length < at + ADDRESS_SIZE) return '';
  const address = octets.subarray(at, at + ADDRESS_SIZE);
  const mapped = address.every((octet, i) => i >= 12 || octet === (i < 10 ? 0 : 255));
  if (mapped) return address.subarray(12).join('.');
  const groups: number[] = [];
  for (let i = 0; i < ADDRESS_SIZE; i += 2) groups.push((address[i]! << 8) | address[i + 1]!);
  return shorten(groups);
}

/** Texts of addresses that lie one behind the other. */
export function addressTexts(octets: Uint8Array | null): string[] {
  const texts: string[] = [];
  const size = octets?.length ?? 0;
  for (let at = 0; at + ADDRESS_SIZE <= size; at += ADDRESS_SIZE) {
    texts.push(addressText(octets ?? new Uint8Array(), at));
  }
  return texts;
}

/** RFC 5952 4.2: the first longest run of two or more zero groups becomes `::`. */
function shorten(groups: readonly number[]): string {
  let from = -1;
  let length = 1;
  for (let i = 0; i < groups.length; i++) {
    let run = 0;
    while (groups[i + run] === 0) run += 1;
    if (run > length) [from, length] = [i, run];
  }
  const text = (part: readonly number[]): string => part.map((g) => g.toString(16)).join(':');
  if (from === -1) return text(groups);
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}
