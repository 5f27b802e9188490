/** Numbers of pairs as octets: four each, little-endian. */

const SIZE = 4;

export function packIds(ids: readonly number[]): Buffer {
  const octets = Buffer.alloc(ids.length * SIZE);
  for (const [i, id] of ids.entries()) octets.writeUInt32LE(id, i * SIZE);
  return octets;
}

export function unpackIds(octets: Buffer): number[] {
  const ids: number[] = [];
  for (let at = 0; at + SIZE <= octets.length; at += SIZE) ids.push(octets.readUInt32LE(at));
  return ids;
}

/** The pairs of a row of `heard`. */
export function heardIds(id: number, more: Buffer | null): number[] {
  return more === null ? [id] : [id, ...unpackIds(more)];
}
