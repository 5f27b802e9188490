/**
 * The kill campaign: a valve under load, with people who open and contain, a feed that changes and
 * lies, a collector that comes and goes; SIGKILL at random instants; and after each restart what
 * must be so. What was asked for and never answered may have come to be or not; what was
 * acknowledged must be there.
 */

import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Collector } from '../alerts/sinks/collector.ts';
import { Random } from '../detect/random.ts';
import { ageFeed } from '../soak/age-feed.ts';
import { until } from '../support/processes.ts';
import { Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';
import { Acts, HELD, OPENED, WORKLOAD } from './acts.ts';
import { FeedTruth } from './feed-truth.ts';
import { Flood } from './flood.ts';
import { type Deliveries, deliveriesOf, JournalReader } from './journal-reader.ts';
import { Person } from './person.ts';
import { Phases } from './phases.ts';
import { Probe } from './probe.ts';
import { brokenFiles, missingActs, missingDomains, storedSubjects } from './stores.ts';

export interface CampaignShape {
  /** The number of the last kill. */
  readonly kills: number;
  /** The number of the first one, 1 when not given: the others were in an earlier run. */
  readonly first?: number;
  readonly seed: number;
  readonly onRound?: (line: string) => void;
}

export interface CampaignReport {
  readonly kills: number;
  /** Of these, so many before it was ready. */
  readonly killedAtStart: number;
  readonly readyMs: { readonly mean: number; readonly max: number };
  readonly acknowledged: number;
  readonly refused: number;
  readonly checkedDomains: number;
  readonly probesRight: number;
  readonly probesFailed: number;
  /** How long after its end a quarantine was still seen to hold, at most, ms. */
  readonly heldLateMs: number;
  readonly feedVersions: number;
  readonly alerts: number;
  readonly deliveries: Deliveries;
  /** Where the time of a kill goes, seconds on average. */
  readonly phases: Readonly<Record<string, number>>;
  readonly garbage: number;
  /** All that was not as it must be. */
  readonly problems: readonly string[];
  readonly status: number | null;
}

const ALICE = 1001;
const BOB = 1002;
const CLIENT = '127.0.0.2';
const PROBER = '127.0.0.3';
const NEW_PER_SECOND = 150;
const LIFE_MS = { min: 30, spread: 3000 };
/** A resolver must come back within this. */
const READY_MAX_MS = 10_000;
/** Between the clocks of two processes of one machine. */
const CLOCK_SLACK_MS = 100;
/** What a kill may cost of the history: its flush interval. */
const LOSS_MS = 1000;
const RECENT_SUBJECTS = 24;
const FIRST_LOOK = 8;
const DELIVERY_MS = 60_000;
/** Kills between two summaries. */
const SUMMARY_KILLS = 10;
/** Of the seeds of two kills, so that no campaign of another seed has the same draws. */
const SEEDS_APART = 100_003;

const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
*.com. A 192.0.2.1
`;

export class Campaign {
  readonly #shape: CampaignShape;
  /** Of this kill alone: a run that goes on from here draws the same. */
  #random: Random;
  readonly #flood = new Flood(NEW_PER_SECOND);
  readonly #probe = new Probe(PROBER);
  readonly #collector = new Collector();
  readonly #feed = new FeedTruth();
  readonly #problems: string[] = [];
  readonly #readyMs: number[] = [];
  readonly #phases = new Phases();
  #killedAtStart = 0;
  #checkedDomains = 0;

  constructor(shape: CampaignShape) {
    this.#shape = shape;
    this.#random = new Random(shape.seed);
  }

  async run(): Promise<CampaignReport> {
    const upstream = await FakeServer.start((asked) => {
      upstream.asked.length = 0;
      asked.reply(answerTo(asked, { answers: [addressRecord(7)] }));
    });
    await this.#collector.start();
    await this.#feed.start();
    const config = this.#config(upstream.port);
    const valve = await Valve.start({ workers: 2, config, files: { 'com.zone': ZONE } });
    chmodSync(valve.folder, 0o755);
    const socket = join(valve.folder, 'control.sock');
    const [asker, approver] = [new Person(ALICE, socket), new Person(BOB, socket)];
    const acts = new Acts({ asker, approver });
    const journal = new JournalReader(join(valve.folder, 'state'));
    try {
      for (let kill = this.#shape.first ?? 1; kill <= this.#shape.kills; kill++) {
        this.#random = new Random(this.#shape.seed + kill * SEEDS_APART);
        acts.random = this.#random;
        await this.#live(valve, acts);
        await this.#after(valve, acts, journal);
        const many = this.#problems.length;
        this.#shape.onRound?.(`${kill}: ready in ${this.#readyMs.at(-1)} ms, ${many} problems`);
        if (kill % SUMMARY_KILLS === 0) this.#summarise(kill, acts, journal);
      }
      return await this.#finish(valve, acts, journal);
    } finally {
      this.#probe.close();
      for (const person of [asker, approver]) person.stop();
      await this.#collector.stop();
      await valve.stop();
      this.#feed.stop();
      upstream.stop();
    }
  }

  /** A life under load, until it is killed. */
  async #live(valve: Valve, acts: Acts): Promise<void> {
    await this.#probe.open(valve);
    const fromMs = Date.now() - CLOCK_SLACK_MS;
    await this.#flood.start(valve, CLIENT);
    let isOver = false;
    const acting = this.#act(valve, acts, () => isOver);
    await this.#phases.time('life', pause(LIFE_MS.min + this.#random.below(LIFE_MS.spread)));
    valve.program.child.kill('SIGKILL');
    const killedAt = performance.now();
    isOver = true;
    await this.#phases.time('death', Promise.all([valve.program.exit(), acting]));
    await this.#flood.stop();
    const settled = this.#flood.answeredBefore(killedAt - LOSS_MS);
    this.#flood.forget();
    const missing = missingDomains(valve.historyPath, settled, fromMs);
    this.#checkedDomains += settled.length;
    if (missing.length > 0) this.#say(`history lacks ${missing.length}, as ${missing[0]}`);
  }

  async #act(valve: Valve, acts: Acts, isOver: () => boolean): Promise<void> {
    const running = new Set<Promise<void>>();
    while (!isOver()) {
      const act = this.#something(valve, acts);
      running.add(act);
      void act.finally(() => running.delete(act));
      await pause(this.#random.below(40));
    }
    await Promise.all(running);
  }

  async #something(valve: Valve, acts: Acts): Promise<void> {
    const draw = this.#random.below(20);
    if (draw < 8) return acts.any();
    if (draw < 17) return this.#lookAtOne(acts);
    if (draw === 17) return void valve.program.child.kill('SIGHUP');
    if (draw === 18) return this.#feed.look(this.#probe);
    // The collector goes, or comes back.
    const go = this.#random.below(2) === 0;
    return go ? this.#collector.stop() : this.#collector.start().catch(() => {});
  }

  #lookAtOne(acts: Acts): Promise<void> {
    const recent = acts.subjects.slice(-RECENT_SUBJECTS);
    const subject = recent[this.#random.below(Math.max(1, recent.length))];
    return subject === undefined ? Promise.resolve() : this.#probe.look(subject);
  }

  /** What the files hold, that it opens by itself, and what it answers first. */
  async #after(valve: Valve, acts: Acts, journal: JournalReader): Promise<void> {
    const state = join(valve.folder, 'state');
    for (const problem of brokenFiles(valve.historyPath, state)) this.#say(problem);
    journal.update();
    this.#feed.mayLie(this.#random.below(2) === 0);
    ageFeed(state, this.#feed.name);
    if (this.#random.below(8) === 0) await this.#killAtStart(valve);
    const begun = performance.now();
    await this.#phases.time('start', valve.restart());
    const readyMs = Math.round(performance.now() - begun);
    this.#readyMs.push(readyMs);
    if (readyMs > READY_MAX_MS) this.#say(`ready after ${readyMs} ms`);
    const nowMs = Date.now();
    const found = storedSubjects(state, nowMs);
    for (const subject of acts.subjects) {
      const problem = subject.reconcile(found.get(subject.name) ?? null, nowMs);
      if (problem !== null) this.#say(problem);
    }
    await this.#probe.open(valve);
    await this.#feed.mustHold(this.#probe);
    const looked = acts.subjects.slice(-RECENT_SUBJECTS);
    for (let at = 0; at < looked.length; at += FIRST_LOOK) {
      const some = looked.slice(at, at + FIRST_LOOK).map((one) => this.#probe.look(one));
      await this.#phases.time('probes', Promise.all(some));
    }
    const missing = this.#phases.time('audit', missingActs(state, acts.acknowledged));
    for (const problem of await missing) this.#say(problem);
    for (const from of [this.#feed.problems, this.#probe.problems]) {
      for (const problem of from.splice(0)) this.#say(problem);
    }
  }

  /** Killed again before it is ready, at any point of its start. */
  async #killAtStart(valve: Valve): Promise<void> {
    this.#killedAtStart++;
    const starting = valve.restart().catch(() => {});
    await pause(this.#random.below(700));
    valve.program.child.kill('SIGKILL');
    await valve.program.exit();
    await starting;
  }

  async #finish(valve: Valve, acts: Acts, journal: JournalReader): Promise<CampaignReport> {
    await this.#collector.start().catch(() => {});
    journal.update();
    const delivered = (): Deliveries => deliveriesOf(this.#collector.messages, journal.sequences);
    const isAll = (): true | null => (delivered().missing === 0 ? true : null);
    await until('all alerts are delivered', isAll, DELIVERY_MS).catch(() => {});
    const { status, said } = await valve.command('db', 'check');
    if (status !== 0) this.#say(`db check: ${said}`);
    const deliveries = delivered();
    if (deliveries.missing > 0) this.#say(`${deliveries.missing} alerts were never delivered`);
    if (deliveries.outOfOrder > 0) this.#say(`${deliveries.outOfOrder} alerts out of order`);
    const sum = this.#readyMs.reduce((total, one) => total + one, 0);
    return {
      kills: this.#readyMs.length + this.#killedAtStart,
      killedAtStart: this.#killedAtStart,
      readyMs: { mean: sum / this.#readyMs.length, max: Math.max(...this.#readyMs) },
      acknowledged: acts.acknowledged.length,
      refused: acts.refused,
      checkedDomains: this.#checkedDomains,
      probesRight: this.#probe.right,
      probesFailed: this.#probe.failed,
      heldLateMs: this.#probe.heldLateMs,
      feedVersions: this.#feed.confirmed,
      alerts: journal.sequences.size,
      deliveries,
      phases: this.#phases.means(this.#readyMs.length),
      garbage: this.#collector.garbage.length,
      problems: this.#problems,
      status: await valve.program.stop(),
    };
  }

  /** So far, for a run that is cut off; another one may go on from the next kill. */
  #summarise(kill: number, acts: Acts, journal: JournalReader): void {
    const { right, failed, heldLateMs } = this.#probe;
    const { messages } = this.#collector;
    const figures = {
      kills: this.#readyMs.length + this.#killedAtStart,
      problems: this.#problems.length,
      readyMaxMs: Math.max(...this.#readyMs),
      acknowledged: acts.acknowledged.length,
      domains: this.#checkedDomains,
      probes: right,
      failed,
      heldLateMs,
      alerts: journal.sequences.size,
      received: messages.length,
    };
    const shown = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
    const seconds = JSON.stringify(this.#phases.means(this.#readyMs.length));
    const next = `go on with --seed ${this.#shape.seed} --first ${kill + 1}`;
    this.#shape.onRound?.(`so far: ${shown.join(', ')}; seconds ${seconds}; ${next}`);
  }

  #say(problem: string): void {
    this.#problems.push(problem);
    this.#shape.onRound?.(`  ${problem}`);
  }

  #config(upstreamPort: number): string {
    return `zones: [{ name: ${HELD}, file: com.zone }]
upstreams: { fake: { servers: ["127.0.0.1:${upstreamPort}"] } }
forward: { example: fake }
feeds: { ${this.#feed.name}: { source: "${this.#feed.url}", category: malware, refresh: 5m } }
alerts: [{ to: "syslog+tcp://127.0.0.1:${this.#collector.port}" }]
alert_spool: { size: 1GB }
detect: { baseline: { burn_in: 0s } }
people: { alice: { uid: ${ALICE} }, bob: { uid: ${BOB} } }
exceptions: { approvers: [bob] }
workloads: { ${WORKLOAD}: { sources: [127.0.0.0/8], mode: enforce, allow: [never.${OPENED}] } }
`;
  }
}
