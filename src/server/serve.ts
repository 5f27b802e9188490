/**
 * serve: a resolver as a process. Signals, systemd, the control socket; what it does is
 * resolver.ts.
 */

import type { Actor } from '../audit/record.ts';
import type { Listener } from '../config/listeners.ts';
import { Notify } from '../control/notify.ts';
import { type Controlled, ControlServer } from '../control/server.ts';
import { messageOf } from '../errors.ts';
import { createLog, type Log } from '../log.ts';
import { MetricsServer } from '../metrics/server.ts';
import { chooseBackend } from '../native/udp.ts';
import { openUnixDatagram } from '../native/unix-datagram.ts';
import { helpersStandBack } from '../priority.ts';
import { type Audited, startAudit } from './audit.ts';
import type { FirstBuild } from './build.ts';
import { type Attended, Custody } from './custody.ts';
import { Monitor } from './monitor.ts';
import { Resolver } from './resolver.ts';
import { type StoreStatus, storesOf } from './storage.ts';

export interface ServeOptions {
  readonly first: FirstBuild;
  readonly logLevel: string;
}

/** Runs until SIGTERM or SIGINT. @throws DnsvalveError when it cannot start */
export async function serve(options: ServeOptions): Promise<void> {
  const log = createLog(options.logLevel);
  const notify = new Notify({ env: process.env, pid: process.pid, open: openUnixDatagram });
  const { backend, reason } = chooseBackend();
  if (reason !== null) log.warn({ reason }, 'native I/O is not there; Node does it instead');
  const { snapshot: first } = await options.first.built;
  const kept = Custody.open(first.config.stateDirectory);
  const overrides = kept.inForce();
  const resolver = await Resolver.start({ ...options, backend, log, overrides });
  const metrics = new MetricsServer(resolver, log);
  await metrics.follow(resolver.snapshot.config.metrics?.listen ?? null);
  const audit = startAudit(resolver, log);
  const custody = await attend(kept, resolver, audit, log);
  const again = (by: Actor) => audit.trail.reload(by, () => reload(resolver, notify, metrics));
  const stores = (): StoreStatus[] => storesOf({ resolver, book: kept.book, audit });
  const control = await startControl({ resolver, custody, stores, reload: again }, log);
  const monitor = new Monitor(resolver, stores, log);
  // Not before: nobody waits for an answer yet while the first tables are built.
  helpersStandBack();
  // Before it is said: who reads it may send a signal at once.
  const stopped = untilStopped(resolver, notify, again, log);
  sayStarted(resolver, log);
  notify.ready();
  notify.watchdog(() => resolver.hasProgress());
  const signal = await stopped;
  notify.stopping();
  metrics.stopping();
  log.info('stopping');
  monitor.close();
  await control?.close();
  await custody.close();
  await resolver.stop();
  await audit.stop(signal);
  await metrics.close();
  notify.close();
  log.info('stopped');
}

/** Without its socket the resolver still answers; `status` and `reload` are then by signal only. */
async function startControl(controlled: Controlled, log: Log): Promise<ControlServer | null> {
  const { path } = controlled.resolver.snapshot.config.control;
  try {
    return await ControlServer.open(path, controlled);
  } catch (error) {
    log.error({ path, reason: messageOf(error) }, 'the control socket cannot be opened');
    return null;
  }
}

function attend(
  kept: Custody,
  resolver: Resolver,
  { trail }: Audited,
  log: Log,
): Promise<Attended> {
  return kept.attend({
    snapshot: () => resolver.snapshot,
    inForce: resolver,
    raise: (alert) => resolver.alerts.raise(alert),
    audit: (act) => trail.act(act),
    report: (line) => log.error(line),
  });
}

async function reload(resolver: Resolver, notify: Notify, metrics: MetricsServer): Promise<void> {
  notify.reloading();
  try {
    await resolver.reload();
    await metrics.follow(resolver.snapshot.config.metrics?.listen ?? null);
  } finally {
    notify.ready();
  }
}

function sayStarted(resolver: Resolver, log: Log): void {
  const { config, compileMs } = resolver.snapshot;
  for (const upstream of config.upstreams) {
    if (upstream.servers.length > 0) continue;
    log.warn(
      { upstream: upstream.name },
      'no server is known for this upstream: only local zones and denials are answered',
    );
  }
  log.info(
    {
      listen: resolver.addresses.map(addressText),
      workers: config.workers,
      io: resolver.backend,
      workloads: config.workloads.length,
      compileMs: Math.round(compileMs),
    },
    'ready',
  );
}

function addressText({ address, port, family, encrypted }: Listener): string {
  const scheme = encrypted === undefined ? '' : `${encrypted.transport}://`;
  return scheme + (family === 6 ? `[${address}]:${port}` : `${address}:${port}`);
}

/**
 * SIGHUP reloads, SIGUSR2 reopens the files of alerts and queries, SIGTERM and SIGINT end; a
 * second one ends at once.
 *
 * @returns the signal that ended it
 */
async function untilStopped(
  resolver: Resolver,
  notify: Notify,
  again: (by: Actor) => Promise<void>,
  log: Log,
): Promise<string> {
  process.on('SIGHUP', () => {
    again({ via: 'signal', signal: 'SIGHUP' }).catch((error: unknown) =>
      notify.status(`reload refused: ${messageOf(error)}`),
    );
  });
  process.on('SIGUSR2', () => {
    resolver.alerts.reopen();
    resolver.queryLog.reopen();
  });
  return await new Promise<string>((resolve) => {
    let isSecond = false;
    const end = (signal: string): void => {
      if (isSecond) {
        log.warn('stopped at once');
        process.exit(1);
      }
      isSecond = true;
      resolve(signal);
    };
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
  });
}
