/** Opens the sink that the configuration asks for. The list of kinds stands here and only here. */

import { isIP } from 'node:net';
import type { Sink as SinkConfig } from '../../config/sink-types.ts';
import { DnsvalveError, messageOf } from '../../errors.ts';
import { encoderFor } from '../formats/encode.ts';
import { FileSink } from './file.ts';
import type { Report, Sink } from './sink.ts';
import { TcpSink } from './tcp.ts';
import { TlsIdentity } from './tls.ts';
import { UdpSink } from './udp.ts';
import { type OpenUnixDatagram, UnixSink } from './unix.ts';
import { WebhookSink } from './webhook.ts';

export interface SinkEnvironment {
  readonly openUnixDatagram: OpenUnixDatagram;
  readonly report: Report;
}

/**
 * @throws DnsvalveError CONFIG when a collector is given by name: looking it up would ask a
 * resolver, and on this machine that may be us; and when a certificate or secret cannot be read
 */
export function openSink(config: SinkConfig, environment: SinkEnvironment): Sink {
  const { to: name, target } = config;
  try {
    return opened(config, environment);
  } catch (error) {
    throw new DnsvalveError('CONFIG', `alerts: "${name}" (${target.kind}): ${messageOf(error)}`);
  }
}

function opened(config: SinkConfig, { openUnixDatagram, report }: SinkEnvironment): Sink {
  const { to: name, target } = config;
  const common = { name, encode: encoderFor({ ...config, kind: target.kind }), report };
  switch (target.kind) {
    case 'file':
      return new FileSink({ ...common, path: target.path });
    case 'unix':
      return new UnixSink({ ...common, path: target.path, open: openUnixDatagram });
    case 'https':
      return new WebhookSink({ ...common, target });
    case 'syslog-udp':
      return new UdpSink({ ...common, ...addressOf(target) });
    case 'syslog-tcp':
      return new TcpSink({ ...common, ...addressOf(target), framing: target.framing });
    case 'syslog-tls': {
      const identity = new TlsIdentity(target.tls);
      // Now, so that a file that is missing refuses the load instead of being found out later.
      identity.read();
      return new TcpSink({ ...common, ...addressOf(target), tls: { peer: target.peer, identity } });
    }
  }
}

function addressOf({ host, port }: { readonly host: string; readonly port: number }) {
  if (isIP(host) === 0) throw new Error(`"${host}" is a name; give an address`);
  return { host, port };
}
