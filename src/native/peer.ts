/** Who is at the other end of a unix stream socket: SO_PEERCRED, which Node does not ask. */

import type { Socket } from 'node:net';
import { loadAddon } from './addon.ts';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * As the kernel noted it when the peer connected, so that nobody can claim to be somebody else.
 * Null without the addon, and for a socket that is closed or none of these.
 */
export function peerOf(socket: Socket): Peer | null {
  // Node has no public way to the descriptor of a socket; without this field there is no answer.
  const { _handle: handle } = socket as { _handle?: { readonly fd?: number } | null };
  const { addon } = loadAddon();
  const fd = handle?.fd;
  if (addon === null || fd === undefined || fd < 0) return null;
  const found = new Int32Array(3);
  if (addon.peerCredentials(fd, found) !== 0) return null;
  const [pid = 0, uid = 0, gid = 0] = found;
  // A process outside of our namespace has no number here, and user numbers have 32 bits.
  return pid === 0 ? null : { pid, uid: uid >>> 0, gid: gid >>> 0 };
}
