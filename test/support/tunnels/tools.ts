/**
 * Tunnelling tools as their authors publish them: how the two ends are started, and where a transfer
 * goes in and comes out.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ZONE = 'tunnel.example';

export interface Tool {
  readonly name: string;
  readonly programs: readonly string[];
  /** Names mean something else in other letters; what draws the case anew breaks them. */
  readonly needsCase: boolean;
  /** The server, that waits for queries at a port of its loopback. */
  server(port: number, folder: string): readonly string[];
  /** What the server says when it is ready. */
  readonly serving: string;
  /** The client, that asks at port 53 of its loopback. @param isSparing as few queries as it can */
  client(isSparing: boolean, folder: string): readonly string[];
  /** What the client says when octets can be given to it. */
  readonly open: string;
  /** Address and port at the client's host where octets go in. */
  readonly inlet: readonly [string, number];
  /** The same at the server's host, where they come out. */
  readonly outlet: readonly [string, number];
  /** A device at the server's host that counts what the server decoded. */
  readonly device: string | null;
}

/** A network device at either end, and IP packets in names below the zone. */
export const IODINE: Tool = {
  name: 'iodine',
  programs: ['iodine', 'iodined'],
  needsCase: false,
  // -c: a resolver asks from ports of its choice.
  server: (port) => [
    ...['iodined', '-f', '-c', '-P', 'secret', '-l', '127.0.0.1', '-p', String(port)],
    ...['10.9.0.1/24', ZONE],
  ],
  serving: 'Listening to dns',
  // -r: not around the resolver. Sparing: one type, no search for the largest answer, short names.
  client: (isSparing) => [
    ...['iodine', '-f', '-r', '-P', 'secret'],
    ...(isSparing ? ['-T', 'NULL', '-m', '200', '-M', '80'] : []),
    ...['127.0.0.1', ZONE],
  ],
  open: 'Connection setup complete',
  inlet: ['10.9.0.1', 7777],
  outlet: ['10.9.0.1', 7777],
  device: 'dns0',
};

/** A TCP connection in names below the zone, as base64 with both cases of letters. */
export const DNS2TCP: Tool = {
  name: 'dns2tcp',
  programs: ['dns2tcpc', 'dns2tcpd'],
  needsCase: true,
  server: (port, folder) => {
    const path = join(folder, 'dns2tcpd.conf');
    const lines = ['listen = 127.0.0.1', `port = ${port}`, `domain = ${ZONE}`];
    writeFileSync(path, [...lines, 'resources = sink:127.0.0.1:7777', ''].join('\n'));
    return ['dns2tcpd', '-F', '-d', '1', '-f', path];
  },
  serving: 'Starting Server',
  // It reads commands: from an end of file it would read for ever, from a pipe nobody writes to not.
  client: (_, folder) => {
    const pipe = join(folder, 'dns2tcpc.pipe');
    const start = 'mkfifo "$0" && exec dns2tcpc "$@" <>"$0"';
    return ['sh', '-c', start, pipe, '-z', ZONE, '-r', 'sink', '-l', '7000', '127.0.0.1'];
  },
  open: 'Listening on port',
  inlet: ['127.0.0.1', 7000],
  outlet: ['127.0.0.1', 7777],
  device: null,
};
