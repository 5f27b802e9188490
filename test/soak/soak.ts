/**
 * The soak: a valve under an even load for as long as wanted, while its upstreams freeze, die and
 * come back, its configuration changes and its feed is refreshed; every answer is checked.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../detect/random.ts';
import { askOnce } from '../support/client.ts';
import { freePort, until } from '../support/processes.ts';
import { type Server, startUnbound } from '../support/servers.ts';
import { type Backend, Valve } from '../support/valve.ts';
import { FakeServer } from '../upstream/fake-server.ts';
import { ageFeed } from './age-feed.ts';
import { Asker } from './asker.ts';
import { Authority } from './authority.ts';
import { Check, FILTERED } from './check.ts';
import { Feed } from './feed.ts';
import { type Fit, lineThrough, QUANTITIES, type Quantity, type Sample, sample } from './memory.ts';
import { Oracle } from './oracle.ts';
import { Stalls } from './stalls.ts';
import { tick } from './tick.ts';
import { feedText, type Kind, makeWorld, type Question, SWITCHED, TICKS, ZONE } from './world.ts';

export interface SoakShape {
  readonly seconds: number;
  readonly seed: number;
  readonly perSecond: number;
  readonly backend?: Backend;
  readonly workers?: number;
  /** Told about once a minute. */
  readonly onProgress?: (line: string) => void;
}

export interface SoakReport {
  readonly counts: Check['counts'];
  readonly asked: number;
  readonly wrong: number;
  readonly examples: readonly string[];
  readonly doubts: readonly string[];
  readonly oracleAsked: number;
  readonly events: Readonly<Record<string, number>>;
  readonly feedVersions: number;
  readonly slowestMs: number;
  readonly fits: Readonly<Record<Quantity, Fit>>;
  readonly samples: number;
  /** Exit status after SIGTERM. */
  readonly status: number | null;
}

const SOURCES = Array.from({ length: 8 }, (_, i) => `127.0.0.${10 + i}`);
const CONNECTIONS = 2;
/** How often each kind is asked for: up to which of 100 draws. */
const SHARES: readonly (readonly [Kind, number])[] = [
  ['data', 72],
  ['denied', 85],
  ['listed', 90],
  ['tick', 95],
  ['switched', 100],
];
/** A failure is remembered for 5 s, and a server that is back is found within one or two. */
const RECOVERY_MS = 8000;
/** What left before the servers froze may have been on its way. */
const ON_ITS_WAY_MS = 100;
const SAMPLE_MS = 5000;
const PROGRESS_MS = 60_000;
/** Of the time, in which caches fill and code is compiled: no part of the fit. */
const WARM_UP = 1 / 3;
const FEED = 'bad';

export class Soak {
  readonly #shape: SoakShape;
  readonly #random: Random;
  readonly #questions: ReturnType<typeof makeWorld>['questions'];
  readonly #samples: Sample[] = [];
  readonly #events: Record<string, number> = {};
  readonly #zoneText: string;
  #authorities: Authority[] = [];
  #unbound: Server | null = null;
  #ticks: FakeServer | null = null;
  #feed: Feed | null = null;
  #isSwitchedOn = false;
  #metrics = 0;

  constructor(shape: SoakShape) {
    this.#shape = shape;
    this.#random = new Random(shape.seed);
    const { zoneText, questions } = makeWorld(shape.seed);
    this.#zoneText = zoneText;
    this.#questions = questions;
  }

  async run(): Promise<SoakReport> {
    const [a, b, own] = await Promise.all(
      [0, 1, 2].map(() => Authority.start(ZONE, this.#zoneText)),
    );
    if (a === undefined || b === undefined || own === undefined) throw new Error('no authority');
    this.#authorities = [a, b, own];
    this.#unbound = await startUnbound(stub(own.port), ZONE);
    this.#ticks = await FakeServer.start(tick);
    this.#feed = await Feed.start(feedText);
    this.#metrics = await freePort();
    const known = [...this.#questions.data, ...this.#questions.switched];
    const oracle = await Oracle.consult(this.#unbound, own, known);
    const stalls = new Stalls();
    const check = new Check(oracle, stalls);
    const { backend = 'native', workers = 2 } = this.#shape;
    const valve = await Valve.start({ backend, workers, config: this.#config() });
    try {
      return await this.#soak(valve, check, oracle);
    } finally {
      oracle.close();
      stalls.stop();
      await valve.stop();
      await this.#unbound.stop();
      for (const authority of this.#authorities) await authority.stop();
      this.#ticks.stop();
      this.#feed.stop();
    }
  }

  async #soak(valve: Valve, check: Check, oracle: Oracle): Promise<SoakReport> {
    await until('the feed is in force', async () => {
      const question = { name: `bad0.${ZONE}`, edns: {} };
      const { ede } = await askOnce('udp', valve, '127.0.0.1', question);
      return ede === FILTERED ? true : null;
    });
    check.switches.push({ sinceMs: 0, to: 'denied' });
    const asker = await Asker.start({
      to: valve,
      sources: SOURCES,
      connections: CONNECTIONS,
      perSecond: this.#shape.perSecond,
      next: () => this.#next(oracle),
      onAnswer: (taken) => check.take(taken),
      onLost: (question, sentMs) => check.lost(question, sentMs),
    });
    const endMs = performance.now() + this.#shape.seconds * 1000;
    const watching = this.#watch(valve, check, endMs);
    while (performance.now() < endMs) await this.#event(valve, check);
    await watching;
    await asker.stop();
    const warm = Math.floor(this.#samples.length * WARM_UP);
    const fits = QUANTITIES.map(
      (one) => [one, lineThrough(this.#samples.slice(warm), one)] as const,
    );
    return {
      counts: check.counts,
      asked: asker.asked,
      wrong: check.wrong,
      examples: check.examples,
      doubts: oracle.doubts,
      oracleAsked: oracle.asked,
      events: this.#events,
      feedVersions: this.#feed?.version ?? 0,
      slowestMs: check.slowestMs,
      fits: Object.fromEntries(fits) as SoakReport['fits'],
      samples: this.#samples.length - warm,
      status: await valve.program.stop(),
    };
  }

  #next(oracle: Oracle): Question {
    const at = this.#random.below(100);
    const kind = SHARES.find(([, below]) => at < below)?.[0] ?? 'data';
    const list = this.#questions[kind];
    const question = list[this.#random.below(list.length)];
    if (question === undefined) throw new Error(`no question of kind ${kind}`);
    if (kind === 'data' && this.#random.below(100) === 0) void oracle.ask(question);
    return question;
  }

  async #watch(valve: Valve, check: Check, endMs: number): Promise<void> {
    let saidMs = performance.now();
    while (performance.now() < endMs) {
      await pause(SAMPLE_MS);
      const one = await sample(valve.program.child.pid ?? 0, this.#metrics);
      this.#samples.push(one);
      if (performance.now() - saidMs < PROGRESS_MS) continue;
      saidMs = performance.now();
      const { answers, servfail, lost } = check.counts;
      this.#shape.onProgress?.(
        `${answers} answers, ${check.wrong} wrong, ${servfail} SERVFAIL, ${lost} lost, ` +
          `${one.resident_mb.toFixed(1)} MB`,
      );
    }
  }

  /** Something happens, and then nothing for a while. */
  async #event(valve: Valve, check: Check): Promise<void> {
    const [a, b] = this.#authorities as [Authority, Authority];
    const one = this.#random.below(2) === 0 ? a : b;
    const events: readonly (readonly [string, () => Promise<void>])[] = [
      ['one upstream frozen', () => this.#frozen([one])],
      ['one upstream killed', () => this.#killed([one])],
      ['all upstreams frozen', () => this.#outage(check, () => this.#frozen([a, b]))],
      ['all upstreams killed', () => this.#outage(check, () => this.#killed([a, b]))],
      ['reload', () => this.#reload(valve, check)],
      ['reload and feed', () => this.#reload(valve, check, true)],
    ];
    const [name, act] = events[this.#random.below(events.length)] ?? ['', async () => {}];
    this.#events[name] = (this.#events[name] ?? 0) + 1;
    await act();
    await pause(500 + this.#random.below(3000));
  }

  async #frozen(authorities: readonly Authority[]): Promise<void> {
    for (const one of authorities) one.freeze();
    await pause(1000 + this.#random.below(3000));
    for (const one of authorities) one.thaw();
  }

  async #killed(authorities: readonly Authority[]): Promise<void> {
    for (const one of authorities) await one.kill();
    await pause(500 + this.#random.below(2000));
    for (const one of authorities) await one.revive();
  }

  async #outage(check: Check, act: () => Promise<void>): Promise<void> {
    const outage = {
      fromMs: Date.now() - ON_ITS_WAY_MS,
      untilMs: Number.POSITIVE_INFINITY,
    };
    check.outages.push(outage);
    await act();
    outage.untilMs = Date.now() + RECOVERY_MS;
    // So that there is time in which nothing but answers is right.
    await pause(RECOVERY_MS);
  }

  async #reload(valve: Valve, check: Check, withFeed = false): Promise<void> {
    this.#isSwitchedOn = !this.#isSwitchedOn;
    if (withFeed) ageFeed(join(valve.folder, 'state'), FEED);
    valve.configure(this.#config());
    check.switches.push({ sinceMs: Date.now(), to: null });
    const said = valve.program.said.length;
    valve.program.child.kill('SIGHUP');
    await valve.program.says('"msg":"configuration loaded"', said);
    check.switches.push({ sinceMs: Date.now(), to: this.#isSwitchedOn ? 'allowed' : 'denied' });
  }

  /** Memory is small, so that what has a bound has reached it before the line is laid. */
  #config(): string {
    const [a, b] = this.#authorities;
    const deny = this.#isSwitchedOn ? '' : SWITCHED;
    return `upstreams:
  main: { servers: ["127.0.0.1:${a?.port}", "127.0.0.1:${b?.port}"] }
  ticks: { servers: ["127.0.0.1:${this.#ticks?.port}"] }
forward: { ".": main, ${ZONE}: main, ${TICKS}: ticks }
metrics: { listen: "127.0.0.1:${this.#metrics}" }
feeds: { ${FEED}: { source: "${this.#feed?.url}", category: malware, refresh: 5m } }
alerts: [{ to: "file:alerts.json" }]
detect: { memory: 4MB, baseline: { burn_in: 0s } }
cache: { size: 4MB }
workloads:
  client:
    sources: [127.0.0.0/8]
    mode: enforce
    allow: [.${ZONE}, .${TICKS}]
    deny: [${deny}]
`;
  }
}

function stub(port: number): string {
  return `  local-zone: "${ZONE}." nodefault
stub-zone:
  name: "${ZONE}."
  stub-addr: 127.0.0.1@${port}
`;
}
