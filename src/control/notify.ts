/**
 * sd_notify: tells systemd that the service is ready, reloading, stopping, or alive. It knows the
 * protocol of sd_notify(3) and nothing of the resolver; outside of systemd every call does nothing.
 */

import { spawn } from 'node:child_process';

export interface DatagramSender {
  send(bytes: Uint8Array): boolean;
  close(): void;
}

export interface NotifyOptions {
  /** NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are read from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Null where unix datagram sockets cannot be opened; '@' starts an abstract address. */
  readonly open: (path: string) => DatagramSender | null;
  /** Runs `systemd-notify` with these assignments; used without a sender. */
  readonly fallback?: (assignments: readonly string[]) => void;
}

/** A tick a third of the way, so that one late tick does not restart the service. */
const TICKS_PER_TIMEOUT = 3;

export class Notify {
  readonly #send: (assignments: readonly string[]) => void;
  /** How often `watchdog` ticks, ms; null when systemd watches nothing. */
  readonly watchdogMs: number | null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: NotifyOptions) {
    const { env, pid } = options;
    this.#send = env['NOTIFY_SOCKET'] ? sender(env['NOTIFY_SOCKET'], options) : () => {};
    const usec = Number(env['WATCHDOG_USEC'] ?? 0);
    // sd_watchdog_enabled(3): without WATCHDOG_PID the setting is for whoever reads it.
    const ours = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === pid;
    const watched = env['NOTIFY_SOCKET'] && ours && usec > 0;
    this.watchdogMs = watched ? Math.max(1, Math.floor(usec / 1000 / TICKS_PER_TIMEOUT)) : null;
  }

  ready(): void {
    this.#send(['READY=1']);
  }

  /** To be followed by `ready`, also when the reload was refused. */
  reloading(): void {
    this.#send(['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`]);
  }

  stopping(): void {
    this.#send(['STOPPING=1']);
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    this.#send([`STATUS=${text.replace(/[\x00-\x1f\x7f]/g, ' ')}`]);
  }

  /**
   * Starts to tick. `progress` is asked before each tick and answers true when every worker has
   * moved since it was last asked; without progress there is no tick, and systemd restarts us.
   */
  watchdog(progress: () => boolean): void {
    if (this.watchdogMs === null || this.#timer !== null) return;
    this.#timer = setInterval(() => {
      if (progress()) this.#send(['WATCHDOG=1']);
    }, this.watchdogMs);
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** Opened per message: there are few, and a handle would outlive a restart of the receiver. */
function sender(path: string, options: NotifyOptions): (assignments: readonly string[]) => void {
  const fallback = options.fallback ?? runSystemdNotify;
  return (assignments) => {
    const socket = options.open(path);
    if (socket === null) {
      fallback(assignments);
      return;
    }
    const took = socket.send(Buffer.from(`${assignments.join('\n')}\n`));
    socket.close();
    if (!took) fallback(assignments);
  };
}

/** Needs NotifyAccess=all: the message comes from a child. A failure is for systemd to notice. */
function runSystemdNotify(assignments: readonly string[]): void {
  const child = spawn('systemd-notify', [...assignments], { stdio: 'ignore' });
  child.on('error', () => {});
  child.unref();
}
