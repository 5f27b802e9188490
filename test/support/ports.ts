/** Free loopback ports for programs that tests start. */

import { randomInt } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';

/** Of ip_local_port_range the usual first is 32768. */
const PORT_FIRST = 20_000;
const PORT_END = 32_000;

/**
 * A port that is free for UDP and TCP on all IPv4 addresses. Below the range that the kernel hands
 * out by itself: it gives the port of one SO_REUSEPORT socket to another that asks for any.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(PORT_FIRST, PORT_END);
    if ((await isFree(createSocket('udp4'), port)) && (await isFree(createServer(), port))) {
      return port;
    }
  }
  throw new Error('no free port');
}

function isFree(socket: UdpSocket | Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    const close = (): void => void socket.close(() => resolve(true));
    if ('bind' in socket) socket.bind(port, '0.0.0.0', close);
    else socket.listen(port, '0.0.0.0', close);
  });
}
