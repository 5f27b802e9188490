/**
 * Scenarios as text (`test/replay/*.rpl`), run against the core without sockets.
 *
 * ```
 * ; a comment; a scenario's first line says the rule that it holds
 * FILE main.yaml                      the lines below, indented by two, are the file
 * START                               compiles the files; RELOAD does it again after FILE changed
 * RELOAD routes                       some; when servers or routes changed, answers are forgotten
 * QUERY from 10.1.0.7 www.example.com A +do +cd +tcp +nord +noedns +ad size=512
 * ASKED www.example.com A             upstream was asked this, and it is the oldest question open
 * ASKED nothing
 * UPSTREAM NXDOMAIN ede=9 flags=ad    answers the oldest open question; records are indented,
 *   www.example.com. 60 A 192.0.2.1   `ns ` and `ar ` before those of the other sections
 * UPSTREAM is silent | unreachable
 * EXPECT NXDOMAIN aa ede=15 text=denied     what the oldest query that was not looked at yet got;
 *   www.example.com. 60 A 192.0.2.1         the whole answer section, and `ns ` lines of authority
 * EXPECT nothing                      no response: dropped, or still waiting
 * TIME_PASSES 61s
 * COUNT denied 1                      a counter since the start
 * OVERRIDE                            from now on these are in force, and no others:
 *   exception api *.new.test 60s      `feeds` behind it: above them; the n-th is `ex-n`
 *   quarantine api edr.test           `q-n`; lifelines follow
 *   quarantine-domain .bad.test
 * USED ex-1 2                         queries that an exception let through
 * ```
 */

import { SHARED_MS } from '../../src/clock.ts';
import type { CounterName } from '../../src/counters.ts';
import { Overlay } from '../../src/overrides/overlay.ts';
import type { ActiveException, ActiveQuarantine } from '../../src/overrides/override.ts';
import type { Snapshot } from '../../src/server/snapshot.ts';
import { rcodeToText } from '../../src/wire/text.ts';
import { exception, quarantineDomain, quarantineOf } from '../overrides/support.ts';
import { buildQuery, type Message, readMessage } from './message.ts';
import { answerTo, shown } from './replay-message.ts';
import { type Asked, compileFiles, Valve } from './replay-valve.ts';

interface Step {
  readonly line: number;
  readonly words: readonly string[];
  readonly text: string;
  /** The indented lines below, without their indent. */
  readonly body: string[];
}

const FLAGS: Readonly<Record<string, number>> = {
  aa: 0x0400,
  tc: 0x0200,
  rd: 0x0100,
  ra: 0x0080,
  ad: 0x0020,
  cd: 0x0010,
};

export function parseScenario(text: string): Step[] {
  const steps: Step[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('  ')) {
      const step = steps.at(-1);
      if (step === undefined) throw new Error(`line ${index + 1}: belongs to nothing`);
      step.body.push(line.slice(2));
    } else if (line.trim() !== '' && !line.startsWith(';')) {
      steps.push({ line: index + 1, words: line.trim().split(/\s+/), text: line, body: [] });
    }
  }
  return steps;
}

/** The rule that a scenario holds: its first line. */
export function titleOf(text: string): string {
  return text.slice(0, text.indexOf('\n')).replace(/^;\s*/, '');
}

interface Pending {
  readonly client: number;
  readonly text: string;
}

const DEFAULTS = 'upstreams: { default: { servers: [192.0.2.53] } }\n';

export class Scenario {
  readonly #files = new Map<string, string>();
  #valve: Valve | null = null;
  #revision = 0;
  /** The policy of the files, and what is laid over it. */
  #base: Snapshot | null = null;
  readonly #overlay = new Overlay({
    wallMs: () => this.#open.clock.wallMs,
    sharedMs: () => this.#open.clock.nowMs + SHARED_MS,
  });
  #id = 0x1000;
  readonly #queries: Pending[] = [];

  static async run(text: string): Promise<number> {
    const scenario = new Scenario();
    let checks = 0;
    for (const step of parseScenario(text)) {
      try {
        await scenario.#run(step);
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        throw new Error(`line ${step.line}: ${step.text.trim()}\n${what}`, { cause: error });
      }
      if (['EXPECT', 'ASKED', 'COUNT', 'USED'].includes(step.words[0] ?? '')) checks++;
    }
    scenario.#end();
    return checks;
  }

  async #run(step: Step): Promise<void> {
    const [verb = '', ...words] = step.words;
    if (verb === 'FILE') this.#files.set(words[0] ?? '', `${step.body.join('\n')}\n`);
    else if (verb === 'START') this.#valve = new Valve(await this.#compile());
    else if (verb === 'RELOAD') this.#open.swap(await this.#compile(), words[0] === 'routes');
    else if (verb === 'OVERRIDE') this.#override(step.body);
    else if (verb === 'USED') this.#used(words);
    else if (verb === 'QUERY') this.#query(words);
    else if (verb === 'ASKED') this.#asked(words);
    else if (verb === 'UPSTREAM') this.#upstream(words, step.body);
    else if (verb === 'EXPECT') this.#expect(words, step.body);
    else if (verb === 'TIME_PASSES') this.#open.pass(Number.parseFloat(words[0] ?? ''));
    else if (verb === 'COUNT') same(this.#open.counter(words[0] as CounterName), Number(words[1]));
    else throw new Error(`unknown step ${verb}`);
  }

  get #open(): Valve {
    if (this.#valve === null) throw new Error('START first');
    return this.#valve;
  }

  async #compile(): Promise<Snapshot> {
    const main = this.#files.get('main.yaml') ?? '';
    const whole = main.includes('upstreams:') ? main : DEFAULTS + main;
    const files = { ...Object.fromEntries(this.#files), 'main.yaml': whole };
    this.#base = await compileFiles(files, ++this.#revision);
    return this.#overlay.over(this.#base, this.#revision);
  }

  #override(lines: readonly string[]): void {
    const exceptions: ActiveException[] = [];
    const quarantines: ActiveQuarantine[] = [];
    for (const line of lines) {
      const [kind, what = '', ...rest] = line.split(' ');
      if (kind === 'exception') {
        const [open = '', duration = '', feeds] = rest;
        const untilMs = this.#open.clock.wallMs + Number.parseFloat(duration) * 1000;
        const id = `ex-${exceptions.length + 1}`;
        const sketch = { id, open, workload: what, overridesFeeds: feeds === 'feeds' };
        exceptions.push(exception(sketch, untilMs));
      } else {
        const id = `q-${quarantines.length + 1}`;
        quarantines.push(
          kind === 'quarantine' ? quarantineOf(what, rest, id) : quarantineDomain(what, id),
        );
      }
    }
    if (this.#base === null) throw new Error('START first');
    this.#overlay.set({ exceptions, quarantines });
    this.#open.swap(this.#overlay.over(this.#base, ++this.#revision));
    this.#overlay.settle();
  }

  #used([id, count]: readonly string[]): void {
    same(this.#overlay.use().find((use) => use.id === id)?.queries ?? 0, Number(count));
  }

  #query(words: readonly string[]): void {
    const [from, address = '', name = '', type = 'A', ...options] = words;
    same(from, 'from');
    const has = (option: string): boolean => options.includes(option);
    const size = options.find((option) => option.startsWith('size='))?.slice(5);
    const edns = { size: Number(size ?? 1232), dnssecOk: has('+do') };
    let flags = has('+nord') ? 0 : 0x0100;
    if (has('+cd')) flags |= 0x0010;
    if (has('+ad')) flags |= 0x0020;
    const octets = buildQuery({
      name,
      type,
      flags,
      id: this.#id++,
      ...(has('+noedns') ? {} : { edns }),
    });
    const { client } = this.#open.send({ from: address, octets, overTcp: has('+tcp') });
    this.#queries.push({ client, text: words.join(' ') });
    const response = this.#open.response(client);
    if (response !== null) echoes(octets, response);
  }

  #oldest(): Asked {
    const [asked] = this.#open.asked;
    if (asked === undefined) throw new Error('upstream was asked nothing');
    return asked;
  }

  #asked(words: readonly string[]): void {
    const open = this.#open.asked.map(({ name, type }) => `${name} ${type}`);
    same(open[0] ?? 'nothing', words.join(' '));
  }

  #upstream(words: readonly string[], body: readonly string[]): void {
    const asked = this.#oldest();
    if (words[0] === 'is') {
      this.#open.fail(asked, words[1] === 'silent' ? 22 : 23);
      return;
    }
    const ede = words.find((word) => word.startsWith('ede='))?.slice(4);
    const flags = words.map((word) => FLAGS[word] ?? 0).reduce((sum, flag) => sum | flag, 0);
    const section = (prefix: string): string[] =>
      body.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
    const octets = answerTo(asked.name, asked.type, {
      rcode: words[0] ?? 'NOERROR',
      flags,
      answer: body.filter((line) => !/^(ns|ar) /.test(line)),
      authority: section('ns '),
      additional: section('ar '),
      ...(ede === undefined ? {} : { ede: Number(ede) }),
    });
    if (!this.#open.answer(asked, octets)) throw new Error('the valve did not take it');
  }

  #expect(words: readonly string[], body: readonly string[]): void {
    const query = this.#queries.shift();
    if (query === undefined) throw new Error('no query is left to look at');
    const response = this.#open.response(query.client);
    if (words[0] === 'nothing') {
      same(response, null);
      return;
    }
    if (response === null) throw new Error(`${query.text}: no response`);
    check(readMessage(response), words, body);
  }

  #end(): void {
    if (this.#queries.length > 0) throw new Error(`not looked at: ${this.#queries[0]?.text}`);
    same(this.#open.faults.length, 0);
    same(this.#open.memory.waiters.count, this.#open.asked.length === 0 ? 0 : -1);
  }
}

/** ID and question come back as they were (protocol: octet for octet). */
function echoes(query: Buffer, response: Buffer): void {
  same(response.readUInt16BE(0), query.readUInt16BE(0));
  const length = readMessage(response).question.length;
  same(response.toString('hex', 12, 12 + length), query.toString('hex', 12, 12 + length));
}

function same(got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`got ${String(got)}, wanted ${String(wanted)}`);
}

function check(message: Message, words: readonly string[], body: readonly string[]): void {
  const [rcode, ...rest] = words;
  const text = (list: Message['answers']): string =>
    list.map((rr) => `${rr.owner.toLowerCase()} ${rr.ttl} ${rr.type} ${rr.rdata}`).join('\n');
  same(rcodeToText(message.rcode), rcode);
  for (const word of rest) {
    const flag = FLAGS[word.replace('-', '')];
    if (word.startsWith('ede=')) same(String(message.ede ?? 'none'), word.slice(4));
    else if (word.startsWith('text=')) {
      if (!message.edeText.includes(word.slice(5))) same(message.edeText, word.slice(5));
    } else if (flag === undefined) throw new Error(`unknown word ${word}`);
    else same((message.flags & flag) !== 0, !word.startsWith('-'));
  }
  const authority = body.filter((line) => line.startsWith('ns '));
  const answers = body.filter((line) => !line.startsWith('ns '));
  same(text(message.answers), answers.map(shown).join('\n'));
  if (authority.length > 0) {
    same(text(message.authorities), authority.map((line) => shown(line.slice(3))).join('\n'));
  }
}
