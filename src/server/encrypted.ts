/** The encrypted listeners of one worker: DNS over TLS and over HTTPS behind one acceptor. */

import type { Clock } from '../clock.ts';
import type { Listener } from '../config/listeners.ts';
import type { Memory } from '../memory.ts';
import { NetStreams } from '../native/tcp-net.ts';
import type { Query } from '../query.ts';
import type { Pair } from './certificates.ts';
import { HTTPS_CHANNEL, TLS_CHANNEL } from './channels.ts';
import type { Forwarder } from './forwarder.ts';
import { HttpsServer } from './https-server.ts';
import { TLS_LIMITS } from './tcp-limits.ts';
import { TcpServer } from './tcp-server.ts';
import { TlsAcceptor } from './tls-acceptor.ts';

export class EncryptedServer {
  readonly #acceptor: TlsAcceptor;
  readonly #tls: TcpServer;
  readonly #https: HttpsServer;
  #streams: NetStreams | null = null;

  constructor(memory: Memory, clock: Clock, forwarder: Forwarder) {
    this.#acceptor = new TlsAcceptor({
      counters: memory.counters,
      forwarders: () => forwarder.tables.forwarders,
    });
    this.#tls = new TcpServer(memory, clock, TLS_LIMITS, (options) => {
      this.#streams = new NetStreams(options);
      return this.#streams;
    });
    this.#https = new HttpsServer(memory, clock, TLS_LIMITS);
    this.#tls.forwarder = forwarder;
    this.#https.forwarder = forwarder;
  }

  /** @returns its port; rejects with a DnsvalveError that names the address */
  listen(listener: Listener, pair: Pair): Promise<number> {
    const { transport, path = '' } = listener.encrypted ?? {};
    if (transport === 'https') {
      return this.#acceptor.listen(listener, pair, 'h2', (socket, record) =>
        this.#https.adopt(socket, record, path),
      );
    }
    return this.#acceptor.listen(listener, pair, 'dot', (socket, record) =>
      this.#streams?.adopt(socket, record),
    );
  }

  /** In the order in which the listeners were opened. */
  certify(pairs: readonly Pair[]): void {
    this.#acceptor.certify(pairs);
  }

  prepare(query: Query, channel: number): boolean {
    if (channel < HTTPS_CHANNEL) return this.#tls.prepare(query, channel - TLS_CHANNEL);
    return this.#https.prepare(query, channel - HTTPS_CHANNEL);
  }

  commit(query: Query, channel: number): void {
    if (channel < HTTPS_CHANNEL) this.#tls.commit(query, channel - TLS_CHANNEL);
    else this.#https.commit(query, channel - HTTPS_CHANNEL);
  }

  flush(): void {
    this.#tls.flush();
  }

  tick(): void {
    this.#acceptor.tick();
  }

  sweep(): void {
    this.#tls.sweep();
    this.#https.sweep();
  }

  stopListening(): void {
    this.#acceptor.stopListening();
  }

  close(): void {
    this.#tls.close();
    this.#https.close();
    this.#acceptor.close();
  }
}
