/** PROXY headers of version 2, right and wrong, from the specification's own words. */

import { addressToBytes } from '../../src/native/addresses.ts';

export const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

export interface ProxyShape {
  /** Version and command; 0x21, PROXY, when not given. */
  readonly command?: number;
  /** Family and transport. */
  readonly family: number;
  readonly source?: string;
  readonly destination?: string;
  readonly port?: number;
  /** Octets after the addresses. */
  readonly more?: Uint8Array;
  /** What the length field says; the truth when not given. */
  readonly length?: number;
}

export function proxyHeader(shape: ProxyShape): Buffer {
  const { source, destination = '127.0.0.1', port = 4000 } = shape;
  const isV4 = shape.family >> 4 !== 2;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(port, 0);
  ports.writeUInt16BE(53, 2);
  const addresses =
    source === undefined ? [] : [octetsOf(source, isV4), octetsOf(destination, isV4), ports];
  const body = Buffer.concat([...addresses, shape.more ?? Buffer.alloc(0)]);
  const fixed = Buffer.from([shape.command ?? 0x21, shape.family, 0, 0]);
  fixed.writeUInt16BE(shape.length ?? body.length, 2);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

function octetsOf(address: string, isV4: boolean): Buffer {
  const octets = Buffer.alloc(16);
  if (!addressToBytes(address, octets, 0)) throw new Error(`no address: ${address}`);
  return isV4 ? octets.subarray(12) : octets;
}
