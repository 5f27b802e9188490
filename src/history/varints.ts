/** Counts as octets: seven bits each, the lowest first; the highest bit says that more follow. */

/** @param number 0 or more; what is below counts as 0 */
export function putVarint(octets: number[], number: number): void {
  let left = Math.max(0, Math.floor(number));
  for (; left >= 0x80; left = Math.floor(left / 0x80)) octets.push((left % 0x80) | 0x80);
  octets.push(left);
}

export function varintsIn(octets: Uint8Array): number[] {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const octet of octets) {
    value += (octet & 0x7f) * scale;
    scale *= 0x80;
    if ((octet & 0x80) !== 0) continue;
    numbers.push(value);
    [value, scale] = [0, 1];
  }
  return numbers;
}
