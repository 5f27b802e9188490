/** The reputation score in the straight line: who is told, how often, and that all say the same. */

import { describe, expect, it } from 'vitest';
import { standingParts, standingWording } from '../../src/detect/reputation-words.ts';
import {
  AT_FINDING,
  AT_IS_DENIED,
  AT_KIND,
  AT_NAME,
  AT_NAME_LENGTH,
  AT_PARTS,
  AT_SCORE,
  AT_THRESHOLD,
  AT_WORKLOAD,
  FINDING_REPUTATION,
  KIND_FINDING,
  PARTS,
} from '../../src/events/kinds.ts';
import { RingReader } from '../../src/events/ring.ts';
import { explainName } from '../../src/server/snapshot.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToText, nameToWire, typeFromText } from '../../src/wire/text.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles, Valve } from '../support/replay-valve.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
feeds: { bad: { source: [listed.example], category: phishing, action: alert } }
detect: { reputation: { alert_below: 70, own_names: [northwind.example] } }
workloads:
  told: { sources: [10.1.0.0/16], mode: open }
  wary: { sources: [10.2.0.0/16], mode: open, detect: { reputation: { deny_below: 60 } } }
  deaf: { sources: [10.3.0.0/16], mode: open, detect: { reputation: { alert_below: 0 } } }
  named: { sources: [10.4.0.0/16], allow: [listed.example, "*.listed.example"], detect: { reputation: { deny_below: 99 } } }
unmapped: { mode: open }
`;

interface Finding {
  readonly workload: number;
  readonly name: string;
  readonly score: number;
  readonly threshold: number;
  readonly denied: number;
  readonly parts: Int32Array;
}

function findings(valve: Valve): Finding[] {
  valve.memory.ledger.flush();
  const reader = new RingReader(valve.ring);
  const found: Finding[] = [];
  for (let at = reader.peek(); at !== -1; reader.release(), at = reader.peek()) {
    const { view, octets } = reader;
    if (view.getUint32(at + AT_KIND, true) !== KIND_FINDING) continue;
    expect(octets[at + AT_FINDING]).toBe(FINDING_REPUTATION);
    const length = octets[at + AT_NAME_LENGTH] ?? 0;
    found.push({
      workload: view.getUint32(at + AT_WORKLOAD, true),
      name: nameToText(octets.slice(at + AT_NAME, at + AT_NAME + length)),
      score: view.getUint32(at + AT_SCORE, true),
      threshold: view.getUint32(at + AT_THRESHOLD, true),
      denied: view.getUint32(at + AT_IS_DENIED, true),
      parts: Int32Array.from({ length: PARTS }, (_, i) =>
        view.getInt32(at + AT_PARTS + 4 * i, true),
      ),
    });
  }
  return found;
}

/** Asks, and answers from upstream where the question got there. Returns the rcode. */
function ask(valve: Valve, from: string, name: string, records: readonly string[] = []): number {
  const { client } = valve.send({ from, octets: buildQuery({ name, type: 'A', edns: {} }) });
  const [asked] = valve.asked;
  if (asked !== undefined) {
    const answer = answerTo(asked.name, asked.type, { rcode: 'NOERROR', answer: [...records] });
    expect(valve.answer(asked, answer)).toBe(true);
  }
  const response = valve.response(client);
  if (response === null) throw new Error('no response');
  return readMessage(response).rcode;
}

const names = (found: readonly Finding[]): string[] => found.map(({ name }) => name);

describe('telling of a low score', () => {
  it('is done once for a workload and a domain', async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    for (const name of ['a.paypal-login.com', 'b.paypal-login.com', 'fine.example']) {
      expect(ask(valve, '10.1.0.7', name)).toBe(0);
    }
    expect(names(findings(valve))).toEqual(['a.paypal-login.com']);
    expect(ask(valve, '10.2.0.7', 'a.paypal-login.com')).toBe(3);
    expect(ask(valve, '10.2.0.7', 'c.paypal-login.com')).toBe(3);
    expect(findings(valve)).toMatchObject([
      { name: 'a.paypal-login.com', workload: 2, denied: 1, score: 55, threshold: 60 },
    ]);
  });

  it('is left to those who want it', async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    expect(ask(valve, '10.3.0.7', 'paypal-login.com')).toBe(0);
    expect(findings(valve)).toEqual([]);
  });

  it('is not about a name that a rule names', async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    expect(ask(valve, '10.4.0.7', 'listed.example')).toBe(0);
    expect(ask(valve, '10.4.0.7', 'www.listed.example')).toBe(3);
    expect(names(findings(valve))).toEqual(['www.listed.example']);
  });

  it('comes again when the ring was full', async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    const { findings: told } = valve.memory;
    const tell = told.tell.bind(told);
    told.tell = () => false;
    ask(valve, '10.1.0.7', 'a.paypal-login.com');
    told.tell = tell;
    ask(valve, '10.1.0.7', 'b.paypal-login.com');
    expect(names(findings(valve))).toEqual(['b.paypal-login.com']);
  });

  it('is of a source that no workload claims, too', async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    expect(ask(valve, '192.0.2.200', 'paypal-login.com')).toBe(0);
    expect(findings(valve)).toMatchObject([{ workload: 0, denied: 0, threshold: 70 }]);
  });
});

describe('fast flux', () => {
  const hosts = (count: number): string[] =>
    Array.from({ length: count }, (_, i) => `10.${i}.1.1`.replace(/^10\./, '5.'));

  it('lowers the score of a domain whose addresses move between many networks', async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    const flood = (name: string, ttl: number): void => {
      for (const [i, address] of hosts(40).entries()) {
        const host = `h${i}.${name}`;
        ask(valve, '10.1.0.7', host, [`${host}. ${ttl} A ${address}`]);
      }
    };
    flood('moving.top', 60);
    flood('staying.top', 3600);
    const found = findings(valve);
    expect(found.map(({ name }) => name.replace(/^h\d+\./, ''))).toEqual(['moving.top']);
    const [{ parts, score } = { parts: [], score: 0 }] = found;
    expect(standingParts(parts).map(({ name }) => name)).toEqual(['tld', 'fast-flux']);
    expect(score).toBe(55);
  });

  it('denies where that brings the score below what a workload takes', async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    const rcodes = hosts(40).map((address, i) => {
      const host = `h${i}.moving.top`;
      return ask(valve, '10.2.0.7', host, [`${host}. 60 A ${address}`]);
    });
    expect(rcodes[0]).toBe(0);
    expect(rcodes.at(-1)).toBe(3);
    expect(findings(valve)).toMatchObject([{ denied: 1, score: 55 }]);
  });

  it('forgets after a day', async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    for (const [i, address] of hosts(40).entries()) {
      if (i === 18) valve.pass(90_000);
      const host = `h${i}.moving.top`;
      ask(valve, '10.2.0.7', host, [`${host}. 60 A ${address}`]);
    }
    const last = findings(valve);
    expect(last).toHaveLength(1);
    // Networks are counted by bits, so the twentieth may be taken for one more or less.
    expect(Number(/\d+/.exec(last[0]?.name ?? '')?.[0])).toBeGreaterThan(30);
  });
});

describe('explain', () => {
  const asked = [
    'paypal-login.com',
    'www.paypa1.top',
    'xn--pypal-4ve.com',
    'northwnd.example',
    'listed.example',
    'www.listed.example',
    'paypal.com.evil.top',
    'www.ordinary.example',
    'login.paypal.com',
  ];

  it('says what the verdict, the answer and the finding say', async () => {
    const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
    let denied = 0;
    for (const [from, workload] of [
      ['10.2.0.7', 2],
      ['10.4.0.7', 4],
    ] as const) {
      for (const text of asked) {
        const valve = new Valve(snapshot);
        const rcode = ask(valve, from, text);
        const name = new WireName();
        const wire = nameToWire(text);
        readName(wire, 0, wire.length, name);
        const said = explainName(snapshot, name, typeFromText('A') ?? 1, workload);
        expect([text, said.verdict]).toEqual([text, rcode === 3 ? 'deny' : 'allow']);
        const [finding] = findings(valve);
        if (finding === undefined) continue;
        denied += finding.denied;
        expect(finding.score).toBe(said.reputation.score);
        expect(standingParts(finding.parts)).toEqual(said.reputation.parts);
        const numbers = { part: (index: number) => finding.parts[index] ?? 0 };
        expect(standingWording(numbers).parts).toEqual(said.reputation.parts);
      }
    }
    expect(denied).toBeGreaterThan(5);
  });

  it('has a line for the score where it may deny, with what it is', async () => {
    const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
    const name = new WireName();
    const wire = nameToWire('paypal-login.com');
    readName(wire, 0, wire.length, name);
    const lines = (workload: number) =>
      explainName(snapshot, name, 1, workload).steps.filter(({ step }) => step === 10);
    expect(lines(1)).toEqual([]);
    expect(lines(2)).toEqual([
      {
        step: 10,
        name: 'reputation score',
        reached: true,
        matched: true,
        rule: '55 of 100, below 60',
      },
    ]);
  });
});
