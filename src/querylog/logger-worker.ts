/** Thread of the query log and dnstap: the clockwork around `Logger`. It waits for the disk. */

import { createRequire } from 'node:module';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { LOGGER_NICE, standBack } from '../priority.ts';
import { Logger } from './logger.ts';
import type { FromLogger, LoggerSettings, ToLogger } from './messages.ts';

/** How often the rings are read, ms. */
const POLL_MS = 20;
/** How often counts are told when they changed, in polls. */
const POLLS_PER_STATS = 25;
/** How long the old receiver gets for its farewell at a reload, ms. */
const FAREWELL_MS = 1000;

class LoggerThread {
  readonly #port: MessagePort;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #polls = 0;
  #lastStats = '';
  /** Messages are followed one after the other. */
  #followed: Promise<void> = Promise.resolve();

  constructor(settings: LoggerSettings, port: MessagePort) {
    const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
    this.#port = port;
    this.#logger = new Logger(settings, `dnsvalve ${version}`);
    port.on('message', (message: ToLogger) => {
      // At once: records of a new revision may be in the rings already.
      if (message.kind === 'revision') this.#logger.addRevision(message);
      else this.#followed = this.#followed.then(() => this.#follow(message));
    });
    this.#timer = setInterval(() => this.#poll(), POLL_MS);
  }

  async #follow(message: Exclude<ToLogger, { kind: 'revision' }>): Promise<void> {
    if (message.kind === 'outputs') await this.#logger.configure(message, FAREWELL_MS);
    else if (message.kind === 'addRing') this.#logger.addRing(message.slot, message.ring);
    else if (message.kind === 'reopen') this.#logger.reopen();
    else {
      clearInterval(this.#timer);
      await this.#logger.close(message.graceMs);
      this.#tellStats();
      this.#port.close();
    }
  }

  #poll(): void {
    this.#logger.poll();
    if (++this.#polls % POLLS_PER_STATS === 0) this.#tellStats();
  }

  #tellStats(): void {
    const stats: FromLogger = { kind: 'stats', ...this.#logger.stats() };
    const text = JSON.stringify(stats);
    if (text === this.#lastStats) return;
    this.#lastStats = text;
    this.#port.postMessage(stats);
  }
}

if (parentPort !== null) {
  standBack(LOGGER_NICE);
  new LoggerThread(workerData as LoggerSettings, parentPort);
}
