/**
 * CookieSecrets: what server cookies are made with, drawn at each start and rolled every day, in
 * memory that all workers read.
 *
 * Not kept over a restart: a secret on disk is one to lose, and all that a client pays is a fresh
 * cookie with its next answer, or one BADCOOKIE where cookies are required.
 */

import { randomFillSync } from 'node:crypto';
import { SECRET_WORDS, SECRETS, SECRETS_SIZE } from '../wire/cookie.ts';

/** RFC 7873 7.1: a secret serves 36 days at most; a day is recommended. */
const ROLL_MS = 86_400_000;

export class CookieSecrets {
  /** For `ServerCookies`. */
  readonly words = new Int32Array(new SharedArrayBuffer(SECRETS_SIZE * 4));
  readonly #timer: NodeJS.Timeout;

  constructor() {
    // Those that are not in use yet too: zeros would be a secret that everybody knows.
    randomFillSync(this.words);
    this.words[0] = 0;
    this.#timer = setInterval(() => this.roll(), ROLL_MS).unref();
  }

  /** The next secret. Cookies by the one before it stay valid until their time is over. */
  roll(): void {
    const next = ((this.words[0] ?? 0) + 1) % SECRETS;
    const at = 1 + next * SECRET_WORDS;
    randomFillSync(this.words, at, SECRET_WORDS);
    Atomics.store(this.words, 0, next);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
