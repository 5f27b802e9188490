/**
 * Spool: the journal, the sinks, and the cursor of each. What is appended reaches every sink at
 * least once, in order, whatever the others do; what the journal's bound took from one of them is
 * counted.
 */

import { join } from 'node:path';
import type { Sink as SinkConfig } from '../config/sink-types.ts';
import { messageOf } from '../errors.ts';
import type { Alert } from './alert.ts';
import { type Cursor, readCursors, writeCursors } from './cursors.ts';
import { Delivery, type DeliveryStats } from './delivery.ts';
import { Gate } from './gate.ts';
import { Journal, type JournalStats } from './journal.ts';
import type { Bounds } from './segments.ts';
import { openSink, type SinkEnvironment } from './sinks/open.ts';
import type { Sink } from './sinks/sink.ts';

/** How often sinks are looked at while they have something; 40,000 alerts a second go through. */
const LOOK_MS = 50;
const CURSORS_FILE = 'cursors.json';

export interface SpoolConfig {
  readonly alerts: readonly SinkConfig[];
  readonly alertSpool: Bounds;
  /** Absolute. */
  readonly stateDirectory: string;
}

export interface SpoolOptions extends SinkEnvironment {
  readonly config: SpoolConfig;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export interface Loss {
  /** As the configuration writes the sink. */
  readonly sink: string;
  /** Since this was last asked. */
  readonly count: number;
  /** Ever. */
  readonly lost: number;
}

export interface SpoolStats {
  readonly spool: JournalStats;
  readonly sinks: readonly ({ readonly name: string } & DeliveryStats)[];
}

interface Outlet {
  /** What its cursor is called; the same when only its format or filter changed. */
  readonly name: string;
  readonly delivery: Delivery;
  /** Losses that were told. */
  told: number;
}

/** Of the state directory: where the journal lies. */
export function journalDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'alerts');
}

export class Spool {
  readonly #environment: SinkEnvironment;
  readonly #journal: Journal;
  readonly #path: string;
  /** Open sinks by what the configuration says about them. */
  #outlets = new Map<string, Outlet>();
  #saved = '';
  #saving: Promise<void> = Promise.resolve();
  #isSaving = false;
  #look: NodeJS.Timeout | null = null;
  #cannotSave = false;

  /** @throws DnsvalveError CONFIG as openSink does */
  constructor({ config, now, openUnixDatagram, report }: SpoolOptions) {
    this.#environment = { openUnixDatagram, report };
    const directory = journalDirectory(config.stateDirectory);
    this.#path = join(directory, CURSORS_FILE);
    const cursors = this.#readCursors();
    const used = [...cursors.values()].map(({ sequence }) => sequence);
    this.#journal = new Journal(
      {
        ...config.alertSpool,
        directory,
        now,
        report,
        onGone: (last, records) => {
          for (const delivery of this.#deliveries()) delivery.gone(last, records);
        },
        onNotKept: (record) => {
          for (const delivery of this.#deliveries()) delivery.notKept(record);
        },
        isWanted: (sequence) => this.#deliveries().some((one) => one.isWaitingFor(sequence)),
      },
      Math.max(0, ...used),
    );
    this.#outlets = this.#openAll(config.alerts).outlets;
    for (const outlet of this.#outlets.values()) {
      begin(outlet, cursors.get(outlet.name) ?? this.#newest());
    }
    this.#watch();
  }

  get journal(): Journal {
    return this.#journal;
  }

  append(alert: Alert): void {
    this.#journal.append(alert);
    for (const delivery of this.#deliveries()) delivery.pump();
    this.#watch();
  }

  /**
   * Follows a reload: sinks that stay keep their queues and connections. Others are closed with
   * `deadlineMs` to deliver; one that only changed goes on from where it was.
   *
   * @throws DnsvalveError CONFIG as openSink does; then nothing has changed
   */
  reconfigure(config: SpoolConfig, deadlineMs: number): Promise<void> {
    const { outlets, fresh } = this.#openAll(config.alerts);
    const gone = [...this.#outlets].flatMap(([key, outlet]) => (outlets.has(key) ? [] : [outlet]));
    this.#outlets = outlets;
    this.reopen();
    this.#journal.bounds = config.alertSpool;
    return this.#replace(gone, fresh, deadlineMs);
  }

  async #replace(
    gone: readonly Outlet[],
    fresh: readonly Outlet[],
    deadlineMs: number,
  ): Promise<void> {
    const newest = this.#newest();
    const before = new Map(gone.map((outlet) => [outlet.name, outlet.delivery]));
    for (const outlet of fresh) if (!before.has(outlet.name)) begin(outlet, newest);
    await Promise.all(gone.map(({ delivery }) => delivery.close(deadlineMs)));
    for (const outlet of fresh) {
      const cursor = before.get(outlet.name)?.cursor;
      if (cursor != null) begin(outlet, cursor);
    }
    this.#watch();
  }

  /** Once a second: what is too old goes, cursors are saved. */
  tick(nowMs: number): void {
    this.#journal.tick();
    for (const delivery of this.#deliveries()) delivery.tick(nowMs);
    this.#watch();
    void this.#save();
  }

  /** Sinks that lost alerts since this was last asked. */
  losses(): Loss[] {
    return [...this.#outlets.values()].flatMap((outlet) => {
      const { lost, sink } = outlet.delivery;
      const count = lost - outlet.told;
      outlet.told = lost;
      return count === 0 ? [] : [{ sink: sink.name, count, lost }];
    });
  }

  stats(): SpoolStats {
    const sinks = this.#deliveries().map((one) => ({ name: one.sink.name, ...one.stats() }));
    return { spool: this.#journal.stats(), sinks };
  }

  reopen(): void {
    for (const { sink } of this.#deliveries()) sink.reopen?.();
  }

  /** Delivers for at most `deadlineMs`; the rest stays for the next start. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#look !== null) clearInterval(this.#look);
    await Promise.all(this.#deliveries().map((delivery) => delivery.close(deadlineMs)));
    await this.#journal.close();
    await this.#saving;
    await this.#save();
  }

  #deliveries(): Delivery[] {
    return [...this.#outlets.values()].map(({ delivery }) => delivery);
  }

  #newest(): Cursor {
    return { sequence: this.#journal.last, lost: 0, ahead: 0 };
  }

  /** Outlets for `sinks`, those that are open already or a new one. */
  #openAll(sinks: readonly SinkConfig[]): { outlets: Map<string, Outlet>; fresh: Outlet[] } {
    const outlets = new Map<string, Outlet>();
    const fresh: Outlet[] = [];
    const times = new Map<string, number>();
    try {
      for (const config of sinks) {
        const key = keyOf(config);
        if (outlets.has(key)) continue;
        const time = (times.get(config.to) ?? 0) + 1;
        times.set(config.to, time);
        const name = time === 1 ? config.to : `${config.to} (${time})`;
        const outlet = this.#outlets.get(key) ?? this.#outlet(name, config);
        if (!this.#outlets.has(key)) fresh.push(outlet);
        outlets.set(key, outlet);
      }
    } catch (error) {
      for (const { delivery } of fresh) void delivery.close(0);
      throw error;
    }
    return { outlets, fresh };
  }

  #outlet(name: string, config: SinkConfig): Outlet {
    const sink: Sink = openSink(config, this.#environment);
    const { report } = this.#environment;
    const gate = new Gate(config);
    const delivery = new Delivery({ sink, gate, journal: this.#journal, report });
    return { name, delivery, told: 0 };
  }

  /** Looks after the sinks while one of them has something under way. */
  #watch(): void {
    if (this.#look !== null || !this.#deliveries().some((one) => one.isBusy)) return;
    const look = setInterval(() => {
      const deliveries = this.#deliveries();
      for (const delivery of deliveries) delivery.pump();
      if (deliveries.some((one) => one.isBusy)) return;
      clearInterval(look);
      this.#look = null;
    }, LOOK_MS);
    look.unref();
    this.#look = look;
  }

  #readCursors(): Map<string, Cursor> {
    try {
      return readCursors(this.#path);
    } catch (error) {
      const reason = messageOf(error);
      this.#environment.report(`alert cursors: ${reason}; sinks start with what is new`);
      return new Map();
    }
  }

  async #save(): Promise<void> {
    const cursors = new Map<string, Cursor>();
    for (const { name, delivery } of this.#outlets.values()) {
      if (delivery.cursor !== null) cursors.set(name, delivery.cursor);
    }
    const text = JSON.stringify([...cursors]);
    if (text === this.#saved || this.#isSaving) return;
    this.#isSaving = true;
    this.#saving = writeCursors(this.#path, cursors).then(
      () => {
        this.#saved = text;
        this.#cannotSave = false;
      },
      (error: unknown) => this.#notSaved(error),
    );
    await this.#saving;
    this.#isSaving = false;
  }

  #notSaved(error: unknown): void {
    if (this.#cannotSave) return;
    this.#cannotSave = true;
    const reason = messageOf(error);
    this.#environment.report(`alert cursors: ${reason}; a start would deliver alerts again`);
  }
}

function begin(outlet: Outlet, cursor: Cursor): void {
  outlet.told = cursor.lost;
  outlet.delivery.begin(cursor);
}

/** All that is said about a sink, but not where: another line in the file is no other sink. */
function keyOf({ at: _, ...sink }: SinkConfig): string {
  return JSON.stringify(sink);
}
