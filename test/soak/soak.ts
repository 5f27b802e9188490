/**
 * The soak: a valve under an even load for as long as wanted, while its upstreams freeze, die and
 * come back, its configuration changes and its feed is refreshed; every answer is checked.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../detect/random.ts';
import { askOnce } from '../support/client.ts';
import { type Growth, growthOf } from '../support/growth.ts';
import { freePort, until } from '../support/processes.ts';
import { type Server, startUnbound } from '../support/servers.ts';
import { type Backend, Valve } from '../support/valve.ts';
import { FakeServer } from '../upstream/fake-server.ts';
import { ageFeed } from './age-feed.ts';
import { Asker, type Pace } from './asker.ts';
import { Authority } from './authority.ts';
import { Check, FILTERED } from './check.ts';
import { Feed } from './feed.ts';
import { type Fit, fitOf, QUANTITIES, type Quantity, type Sample, sample } from './memory.ts';
import { Oracle } from './oracle.ts';
import { type StallFigures, Stalls } from './stalls.ts';
import { Ticks } from './ticks.ts';
import { feedText, type Kind, makeWorld, type Question, SWITCHED, TICKS, ZONE } from './world.ts';

export interface SoakShape {
  readonly seconds: number;
  readonly seed: number;
  /** Queries a second; `half`: of what it answers where so many as it wants are under way. */
  readonly perSecond: number | 'half';
  readonly backend?: Backend;
  readonly workers?: number;
  /** Told about once a minute. */
  readonly onProgress?: (line: string) => void;
}

export interface SoakReport {
  readonly counts: Check['counts'];
  /** Queries a second that it was asked. */
  readonly perSecond: number;
  /** Answers a second at saturation; null where it was not measured. */
  readonly saturation: number | null;
  /** Processor time of this process for each query, with its checks, us. */
  readonly askerMicros: number;
  readonly asked: number;
  readonly wrong: number;
  readonly examples: readonly string[];
  readonly doubts: readonly string[];
  readonly oracleAsked: number;
  readonly events: Readonly<Record<string, number>>;
  readonly feedVersions: number;
  readonly slowestMs: number;
  readonly ticks: { readonly aged: number; readonly oldestMs: number; readonly slowestMs: number };
  readonly stalls: StallFigures;
  readonly fits: Readonly<Record<Quantity, Fit>>;
  /** Null where it was too short to be judged. */
  readonly growth: Growth | null;
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
/**
 * What was asked just before the end may have used up its tries: it fails 5 s later, and that is
 * remembered for 5 s.
 */
const RECOVERY_MS = 10_500;
/** What left before the servers froze may have been on its way. */
const ON_ITS_WAY_MS = 100;
const SAMPLE_MS = 5000;
const PROGRESS_MS = 60_000;
/** At saturation: questions under way, and how long it is looked at, with caches that are warm. */
const UNDER_WAY = 512;
const SATURATED_MS = { warmUp: 5000, measured: 8000 };
/** Unbound is asked again as often as this at most, ms. */
const DOUBT_MS = 50;
const FEED = 'bad';
/** Small, so that they are full before memory is judged. */
const [STORE, HISTORY_CACHE] = ['4MB', '4MB'];
/** As in systemd/dnsvalve.service: garbage of a thread comes and goes within that. */
const YOUNG = '--max-semi-space-size=16';

/** What is looked at until the end, monotonic ms. */
interface Watched {
  readonly check: Check;
  readonly asker: Asker;
  readonly endMs: number;
}

/** What goes on beside the questions. */
interface Beside {
  readonly oracle: Oracle;
  readonly stalls: Stalls;
}

export class Soak {
  readonly #shape: SoakShape;
  readonly #random: Random;
  readonly #questions: ReturnType<typeof makeWorld>['questions'];
  readonly #samples: Sample[] = [];
  readonly #events: Record<string, number> = {};
  readonly #zoneText: string;
  #authorities: Authority[] = [];
  #unbound: Server | null = null;
  readonly #ticks = new Ticks();
  #tickServer: FakeServer | null = null;
  #feed: Feed | null = null;
  #isSwitchedOn = false;
  #metrics = 0;
  #doubtedMs = 0;

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
    this.#tickServer = await FakeServer.start((asked) => {
      tickServer.asked.length = 0;
      this.#ticks.answer(asked);
    });
    const tickServer = this.#tickServer;
    this.#feed = await Feed.start(feedText);
    this.#metrics = await freePort();
    const known = [...this.#questions.data, ...this.#questions.switched];
    const oracle = await Oracle.consult(this.#unbound, own, known);
    const stalls = new Stalls();
    const check = new Check({ oracle, stalls, ticks: this.#ticks });
    const { backend = 'native', workers = 2 } = this.#shape;
    const config = this.#config();
    const bounds = { historyCache: HISTORY_CACHE, nodeOptions: YOUNG };
    const valve = await Valve.start({ backend, workers, config, ...bounds });
    stalls.watch(() => [valve.program.child.pid ?? 0, a.pid, b.pid]);
    try {
      return await this.#soak(valve, check, { oracle, stalls });
    } finally {
      oracle.close();
      stalls.stop();
      await valve.stop();
      await this.#unbound.stop();
      for (const authority of this.#authorities) await authority.stop();
      this.#tickServer.stop();
      this.#feed.stop();
    }
  }

  async #soak(valve: Valve, check: Check, { oracle, stalls }: Beside): Promise<SoakReport> {
    await until('the feed is in force', async () => {
      const question = { name: `bad0.${ZONE}`, edns: {} };
      const { ede } = await askOnce('udp', valve, '127.0.0.1', question);
      return ede === FILTERED ? true : null;
    });
    check.switches.push({ sinceMs: 0, to: 'denied' });
    const start = (pace: Pace): Promise<Asker> =>
      Asker.start({
        to: valve,
        sources: SOURCES,
        connections: CONNECTIONS,
        pace,
        next: () => this.#next(oracle),
        onAnswer: (taken) => check.take(taken),
        onLost: (question, sentMs) => check.lost(question, sentMs),
      });
    const wanted = this.#shape.perSecond;
    const saturation = wanted === 'half' ? await this.#saturation(check, start) : null;
    const perSecond = wanted === 'half' ? Math.floor((saturation ?? 0) / 2) : wanted;
    const { onProgress } = this.#shape;
    if (saturation !== null) onProgress?.(`saturated at ${saturation} a second, half from now on`);
    const begun = process.cpuUsage();
    const asker = await start({ perSecond });
    const endMs = performance.now() + this.#shape.seconds * 1000;
    const watching = this.#watch(valve, { check, asker, endMs });
    while (performance.now() < endMs) await this.#event(valve, check);
    await watching;
    await asker.stop();
    const { user, system } = process.cpuUsage(begun);
    const { aged, oldestMs, slowestMs } = this.#ticks;
    return {
      counts: check.counts,
      perSecond,
      saturation,
      askerMicros: (user + system) / asker.asked,
      asked: asker.asked,
      wrong: check.wrong,
      examples: check.examples,
      doubts: oracle.doubts,
      oracleAsked: oracle.asked,
      events: this.#events,
      feedVersions: this.#feed?.version ?? 0,
      slowestMs: check.slowestMs,
      ticks: { aged, oldestMs, slowestMs },
      stalls: stalls.figures(),
      ...this.#fitted(),
      status: await valve.program.stop(),
    };
  }

  /** Answers a second while as many questions as it likes are under way, each of them checked. */
  async #saturation(check: Check, start: (pace: Pace) => Promise<Asker>): Promise<number> {
    const asker = await start({ underWay: UNDER_WAY });
    await pause(SATURATED_MS.warmUp);
    const [before, begun] = [check.counts.answers, performance.now()];
    await pause(SATURATED_MS.measured);
    const answers = check.counts.answers - before;
    const seconds = (performance.now() - begun) / 1000;
    await asker.stop();
    return Math.round(answers / seconds);
  }

  #fitted(): Pick<SoakReport, 'fits' | 'growth' | 'samples'> {
    const fits = QUANTITIES.map((one) => [one, fitOf(this.#samples, one)] as const);
    return {
      fits: Object.fromEntries(fits) as SoakReport['fits'],
      growth: growthOf(this.#samples),
      samples: this.#samples.length,
    };
  }

  #next(oracle: Oracle): Question {
    const at = this.#random.below(100);
    const kind = SHARES.find(([, below]) => at < below)?.[0] ?? 'data';
    const list = this.#questions[kind];
    const question = list[this.#random.below(list.length)];
    if (question === undefined) throw new Error(`no question of kind ${kind}`);
    if (kind === 'data' && this.#random.below(100) === 0) this.#doubt(oracle, question);
    return question;
  }

  #doubt(oracle: Oracle, question: Question): void {
    const now = performance.now();
    if (now - this.#doubtedMs < DOUBT_MS) return;
    this.#doubtedMs = now;
    void oracle.ask(question);
  }

  async #watch(valve: Valve, { check, asker, endMs }: Watched): Promise<void> {
    let saidMs = performance.now();
    while (performance.now() < endMs) {
      await pause(SAMPLE_MS);
      const one = await sample(valve.program.child.pid ?? 0, this.#metrics, asker.asked);
      this.#samples.push(one);
      if (performance.now() - saidMs < PROGRESS_MS) continue;
      saidMs = performance.now();
      const { answers, servfail, lost } = check.counts;
      this.#shape.onProgress?.(
        `${answers} answers, ${check.wrong} wrong, ${servfail} SERVFAIL, ${lost} lost, ` +
          `${one.heldMb.toFixed(1)} MB`,
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
  ticks: { servers: ["127.0.0.1:${this.#tickServer?.port}"] }
forward: { ".": main, ${ZONE}: main, ${TICKS}: ticks }
metrics: { listen: "127.0.0.1:${this.#metrics}" }
feeds: { ${FEED}: { source: "${this.#feed?.url}", category: malware, refresh: 5m } }
alerts: [{ to: "file:alerts.json" }]
detect: { memory: 4MB, baseline: { burn_in: 0s } }
rate_limit: { queries: 0 }
response_limit: { rate: 0 }
cache: { size: ${STORE} }
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
