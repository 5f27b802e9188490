/** An HTTP server with one list: every request finds a newer version of it. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export class Feed {
  readonly #server = createServer((request, response) => {
    this.requests++;
    this.onRequest?.();
    response.setHeader('connection', 'close');
    request.resume();
    response.end(this.#text(++this.version));
  });
  readonly #text: (version: number) => string;
  version = 0;
  requests = 0;
  onRequest: (() => void) | null = null;

  private constructor(text: (version: number) => string) {
    this.#text = text;
  }

  static async start(text: (version: number) => string): Promise<Feed> {
    const feed = new Feed(text);
    const { promise, resolve } = Promise.withResolvers<void>();
    feed.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return feed;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/list.txt`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
