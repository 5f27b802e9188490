/** What the kernel knows of the other end of a stream socket, and Node does not ask. */

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
  const { addon } = loadAddon();
  const fd = descriptorOf(socket);
  if (addon === null || fd === null) return null;
  const found = new Int32Array(3);
  if (addon.peerCredentials(fd, found) !== 0) return null;
  const [pid = 0, uid = 0, gid = 0] = found;
  // A process outside of our namespace has no number here, and user numbers have 32 bits.
  return pid === 0 ? null : { pid, uid: uid >>> 0, gid: gid >>> 0 };
}

/**
 * Whether a TCP connection that we ended, and whose end the peer sent just now, is over with all of
 * it acknowledged. A peer that ended first, and refuses what came after, has not read it: its reset
 * is under way, and Node does not look for it any more. Null without the addon.
 */
export function isAcknowledged(socket: Socket): boolean | null {
  const { addon } = loadAddon();
  const fd = descriptorOf(socket);
  return addon === null || fd === null ? null : addon.isAcknowledged(fd) === 1;
}

/** Node has no public way to the descriptor of a socket; null where the field is not there. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd;
  return fd === undefined || fd < 0 ? null : fd;
}
