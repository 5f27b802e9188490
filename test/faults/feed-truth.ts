/**
 * A feed whose every version has one entry more, from a server that lies now and then; and what must
 * be denied because a version with it was in force once: the last good one never goes back.
 */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Probe } from './probe.ts';

const FILTERED = 17;
const ALWAYS = 40;
const SUFFIX = 'listed.com';

export class FeedTruth {
  readonly name = 'bad';
  readonly problems: string[] = [];
  /** The newest version that was seen in force on every socket. */
  confirmed = 0;
  #version = 0;
  #lies = false;
  readonly #server = createServer((request, response) => {
    request.resume();
    response.setHeader('connection', 'close');
    if (this.#lies) return this.#lie(response);
    response.end(this.#text(++this.#version));
  });

  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.listen(0, '127.0.0.1', resolve);
    await promise;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/list.txt`;
  }

  mayLie(lies: boolean): void {
    this.#lies = lies;
  }

  /** Whether the newest version is in force by now; notes it where it is. */
  async look(probe: Probe): Promise<void> {
    const version = this.#version;
    if (version > this.confirmed && (await isListed(probe, `v${version}`))) {
      this.confirmed = Math.max(this.confirmed, version);
    }
  }

  /** What was in force once is so from the first answer on. */
  async mustHold(probe: Probe): Promise<void> {
    if (this.confirmed === 0) return;
    for (const label of ['always0', `v1`, `v${this.confirmed}`]) {
      if (await isListed(probe, label)) continue;
      this.problems.push(`feed: ${label} was in force, and is not (version ${this.confirmed})`);
    }
  }

  #text(version: number): string {
    const always = Array.from({ length: ALWAYS }, (_, i) => `always${i}.${SUFFIX}`);
    const versions = Array.from({ length: version }, (_, i) => `v${i + 1}.${SUFFIX}`);
    return `${[...always, ...versions].join('\n')}\n`;
  }

  /** An error, a web page, nothing, half of a body. */
  #lie(response: ServerResponse): void {
    const kind = this.#version % 4;
    if (kind === 0) response.writeHead(500).end('no');
    else if (kind === 1) response.end('<!doctype html><html><body>Sign in</body></html>');
    else if (kind === 2) response.end('');
    else {
      response.setHeader('content-length', '5000');
      response.write(`always0.${SUFFIX}\n`, () => response.destroy());
    }
    this.#lies = false;
  }
}

/** Of those sockets that got an answer, and at least one. */
async function isListed(probe: Probe, label: string): Promise<boolean> {
  const answers = (await probe.all(`${label}.${SUFFIX}`)).filter((one) => one !== null);
  return answers.length > 0 && answers.every((one) => one?.ede === FILTERED);
}
