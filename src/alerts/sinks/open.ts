/** Opens the sink that the configuration asks for. The list of kinds stands here and only here. */

import { isIP } from 'node:net';
import type { Sink as SinkConfig } from '../../config/types.ts';
import { DnsvalveError } from '../../errors.ts';
import { encoderFor } from '../formats/encode.ts';
import { FileSink } from './file.ts';
import type { Report, Sink } from './sink.ts';
import { TcpSink } from './tcp.ts';
import { UdpSink } from './udp.ts';
import { type OpenUnixDatagram, UnixSink } from './unix.ts';

export interface SinkEnvironment {
  readonly openUnixDatagram: OpenUnixDatagram;
  readonly report: Report;
}

/**
 * @throws DnsvalveError CONFIG when a collector is given by name: looking it up would ask a
 * resolver, and on this machine that may be us
 */
export function openSink(config: SinkConfig, environment: SinkEnvironment): Sink {
  const { to: name, target } = config;
  const { report } = environment;
  const encode = encoderFor({ ...config, kind: target.kind });
  if (target.kind === 'file') {
    return new FileSink({ name, path: target.path, encode, report });
  }
  if (target.kind === 'unix') {
    return new UnixSink({
      name,
      path: target.path,
      open: environment.openUnixDatagram,
      encode,
      report,
    });
  }
  const { host, port } = target;
  if (isIP(host) === 0) {
    throw new DnsvalveError('CONFIG', `alerts: "${name}": "${host}" is a name; give an address`);
  }
  const options = { name, host, port, encode, report };
  return target.kind === 'syslog-udp' ? new UdpSink(options) : new TcpSink(options);
}
