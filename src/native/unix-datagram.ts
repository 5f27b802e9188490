/**
 * Unix datagram sockets (/dev/log, NOTIFY_SOCKET), which Node cannot open. Send only.
 */

import { loadAddon } from './addon.ts';
import { openError } from './open-error.ts';

export interface UnixDatagram {
  /**
   * Hands one datagram to the receiver without waiting; false when it is absent or its queue is
   * full. Connects anew when the receiver was restarted, so a later call may succeed.
   */
  send(bytes: Uint8Array): boolean;
  close(): void;
}

/**
 * A socket towards `path`; a leading '@' names an abstract socket, as in NOTIFY_SOCKET. The
 * receiver need not exist yet. Null without the addon; throws DnsvalveError (SYSTEM) for a path
 * that no socket can have.
 */
export function openUnixDatagram(path: string): UnixDatagram | null {
  const { addon } = loadAddon();
  if (addon === null) return null;
  const handle = addon.openUnix(path);
  if (typeof handle === 'number') throw openError(`unix socket ${path}`, -handle);
  return {
    send: (bytes) => addon.sendUnix(handle, bytes) === 0,
    close: () => addon.closeUnix(handle),
  };
}
