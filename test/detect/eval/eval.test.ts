/** The command as a user runs it, without a process. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { register } from '../../../src/cli/detect.ts';
import type { Evaluation } from '../../../src/detect/eval/evaluate.ts';
import { DnsvalveError } from '../../../src/errors.ts';
import {
  ANSWERING,
  ASKING,
  datagram,
  type Frame,
  framed,
  message,
  pcap,
  response,
  SYN,
  segment,
} from './captures.ts';

const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-eval-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function run(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const out = { stdout: '', stderr: '' };
  const program = new Command('dnsvalve').exitOverride();
  register(program, {
    stdout: { write: (text) => (out.stdout += text) },
    stderr: { write: (text) => (out.stderr += text) },
    env: {},
    isTTY: false,
    now: () => 0,
    setExitCode: () => {},
  });
  await program.parseAsync(['detect', 'eval', ...args], { from: 'user' });
  return out;
}

async function evaluate(...args: readonly string[]): Promise<Evaluation> {
  return JSON.parse((await run(...args, '--json')).stdout) as Evaluation;
}

/** Octets that nothing predicts, the same at every run. */
function hex(seed: number, length: number): string {
  let state = seed * 2_654_435_761 + 1;
  let text = '';
  while (text.length < length) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    text += (state >>> 0).toString(16).padStart(8, '0');
  }
  return text.slice(0, length);
}

const HEADER = 't\tclient\tqname\tqtype\trcode\tttl\tans\tlabel\ttool\tzone\tsess';
const WORDS = ['www', 'mail', 'api', 'login', 'static', 'images', 'news', 'shop'];
/** 40 names of 32 unpredictable characters, a second apart. */
const TUNNEL = Array.from({ length: 40 }, (_, i) =>
  [i, 'attacker', `${hex(i, 32)}.evil.example`, 'TXT', 'NOERROR', 0, 'TXT:ok', 'tunnel', 'toy']
    .concat(['evil.example', 'toy-1'])
    .join('\t'),
);
const BENIGN = WORDS.flatMap((word, i) =>
  ['alpha', 'beta', 'gamma'].map((site, j) =>
    [i * 90 + j, 'desk', `${word}.${site}.com`, 'A', 'NOERROR', 30, 'A:192.0.2.1', 'benign', '-']
      .concat(['', 'home'])
      .join('\t'),
  ),
);
const corpus = [HEADER, ...TUNNEL, ...BENIGN, ''].join('\n');

describe('detect eval', () => {
  it('finds the tunnel of a table, and nothing in what is benign', async () => {
    const found = await evaluate(file('toy.tsv', corpus));
    expect(found.tools).toMatchObject([{ tool: 'toy', found: 1, sessions: 1 }]);
    expect(found.tools[0]?.by_size.large).toEqual({ found: 1, sessions: 1 });
    expect(found.main).toMatchObject({ recall: 1, precision: 1 });
    expect(found.main.octets_to_alarm.max).toBeLessThan(512);
    expect(found.benign?.alerts).toEqual([]);
    expect(found.benign?.total).toMatchObject({ queries: 24, clients: 1, pairs: 3, alarms: 0 });
  });

  it('finds the same in the same table compressed, in a folder beside other files', async () => {
    const folder = join(directory, 'folder');
    mkdirSync(folder);
    file('folder/toy.tsv.gz', gzipSync(corpus));
    file('folder/names.tsv', 'name\tlabel\nx.example\tbenign\n');
    file('folder/notes.txt', 'nothing');
    const { stdout, stderr } = await run(folder, '--json');
    const plain = await evaluate(file('toy.tsv', corpus));
    const packed = JSON.parse(stdout) as Evaluation;
    expect(stderr).toBe(`${join(folder, 'names.tsv')}: no table of queries, left out\n`);
    expect(packed.tools).toEqual(plain.tools);
    expect(packed.benign).toEqual(plain.benign);
  });

  it('an answer that is stored is not asked again, and a client that comes back is charged', async () => {
    const row = (t: number): string => `${t}\tc\ta.example.com\tA\tNOERROR\t60\tA:192.0.2.1`;
    const table = ['t\tclient\tqname\tqtype\trcode\tttl\tans', row(0), row(30), row(90)].join('\n');
    const { replayed } = await evaluate(file('stored.tsv', table));
    expect(replayed).toMatchObject({ queries: 3, forwarded: 2 });
  });

  it('sessions do not share a clock, a store or a client', async () => {
    const rows = ['one', 'two'].map((sess) => `0\tc\ta.example.com\tA\tNOERROR\t60\t${sess}`);
    const table = ['t\tclient\tqname\tqtype\trcode\tttl\tsess', ...rows].join('\n');
    const { replayed } = await evaluate(file('sessions.tsv', table));
    expect(replayed).toMatchObject({ timelines: 2, clients: 2, forwarded: 2 });
  });

  it('the threshold of the command line holds', async () => {
    const { main, settings } = await evaluate(file('toy.tsv', corpus), '--threshold', '100000');
    expect(settings.tunnel_threshold).toBe(100_000);
    expect(main.found).toBe(0);
  });

  it('a denial counts as an alarm, and what is denied goes nowhere', async () => {
    const path = file('toy.tsv', corpus);
    const told = await evaluate(path);
    const denied = await evaluate(path, '--action', 'deny');
    expect(denied.main.queries_to_alarm).toEqual(told.main.queries_to_alarm);
    expect(denied.replayed.forwarded).toBeLessThan(told.replayed.forwarded - 20);
  });

  it('changed sessions and other thresholds are reported apart', async () => {
    const found = await evaluate(file('toy.tsv', corpus), '--transform', '--roc', '--cost');
    expect(found.transforms.map(({ transform }) => transform)).toContain('dealt over 20 domains');
    expect(found.transforms.every(({ sessions }) => sessions === 1)).toBe(true);
    expect(found.roc.map(({ threshold }) => threshold)).toContain(found.settings.tunnel_threshold);
    expect(found.cost?.queries).toBeGreaterThan(60);
  });

  it('the text names tools, sources and alarms', async () => {
    const { stdout } = await run(file('toy.tsv', corpus), '--roc', '--transform');
    expect(stdout).toMatch(/^toy +- +- +1\/1 /m);
    expect(stdout).toContain('recall 1.0000, precision 1.0000');
    expect(stdout).toMatch(/^toy +24 +24 /m);
  });
});

describe('a capture', () => {
  const names = Array.from({ length: 30 }, (_, i) => `${hex(i, 32)}.evil.example`);
  const overUdp = names.flatMap((name, i): Frame[] => [
    { seconds: 1000 + i, octets: datagram(ASKING, message(i, name, 16)) },
    {
      seconds: 1000.5 + i,
      octets: datagram(ANSWERING, response(i, name, 16, Buffer.from(`\x08${hex(i, 8)}`))),
    },
  ]);
  let asked = 1;
  let answered = 1;
  const overTcp = [
    { seconds: 999, octets: segment(ASKING, { sequence: 0, flags: SYN }) },
    { seconds: 999, octets: segment(ANSWERING, { sequence: 0, flags: SYN }) },
    ...names.flatMap((name, i): Frame[] => {
      const query = framed(message(i, name, 16));
      const answer = framed(response(i, name, 16, Buffer.from(`\x08${hex(i, 8)}`)));
      const frames = [
        { seconds: 1000 + i, octets: segment(ASKING, { sequence: asked, payload: query }) },
        { seconds: 1000.2 + i, octets: segment(ASKING, { sequence: asked, payload: query }) },
        {
          seconds: 1000.5 + i,
          octets: segment(ANSWERING, { sequence: answered, payload: answer }),
        },
      ];
      asked += query.length;
      answered += answer.length;
      return frames;
    }),
  ];

  it('over UDP and over TCP gives the same', async () => {
    const udp = await evaluate(file('udp.pcap', pcap(overUdp)));
    const tcp = await evaluate(file('tcp.pcap', pcap(overTcp)));
    expect(udp.captures).toMatchObject([{ queries_udp: 30, queries_tcp: 0, tcp_gaps: 0 }]);
    expect(tcp.captures).toMatchObject([{ queries_udp: 0, queries_tcp: 30, tcp_gaps: 0 }]);
    const [alert] = udp.unlabelled?.alerts ?? [];
    expect(alert).toMatchObject({ client: '10.1.0.7', domain: 'evil.example', type: 'tunnel' });
    const without = (evaluation: Evaluation) =>
      evaluation.unlabelled?.alerts.map((one) => ({ ...one, source: '' }));
    expect(without(tcp)).toEqual(without(udp));
  });

  it('replays through the user’s own policy by the address of the client', async () => {
    const path = file(
      'valve.yaml',
      `upstreams: { default: { servers: [192.0.2.1] } }
workloads:
  desk: { sources: [10.1.0.7], mode: enforce, allow: ["*.alpha.com"] }
`,
    );
    const rows = ['www.alpha.com', 'www.beta.com'].map((name) => `lan/10.1.0.7\t${name}\tA`);
    const other = 'lan/10.9.9.9\twww.alpha.com\tA';
    const table = file('own.tsv', ['client\tqname\tqtype', ...rows, other].join('\n'));
    const { replayed, unlabelled } = await evaluate(table, '--config', path);
    expect(replayed).toMatchObject({ queries: 3, forwarded: 1 });
    expect(unlabelled?.total).toMatchObject({ queries: 3, denied: 2, unmapped: 1 });
  });

  it('that ends within a packet is read up to there, with a note', async () => {
    const whole = pcap(overUdp);
    const path = file('cut.pcap', whole.subarray(0, whole.length - 5));
    const { stderr, stdout } = await run(path, '--json');
    expect(stderr).toContain('cut.pcap: ends within a packet');
    expect((JSON.parse(stdout) as Evaluation).replayed.queries).toBe(30);
  });
});

describe('what cannot be read', () => {
  const rows: readonly (readonly [string, () => readonly string[], string])[] = [
    ['a file that is not there', () => [join(directory, 'none.tsv')], 'none.tsv: ENOENT'],
    ['a wrong row', () => [file('bad.tsv', 'qname\tt\na\tx\n')], 'bad.tsv:2: t "x" is no number'],
    ['a broken gzip file', () => [file('x.tsv.gz', 'not packed')], 'x.tsv.gz: incorrect header'],
    [
      'a client without an address, with a policy',
      () => [
        file('c.tsv', 'client\tqname\nbob\ta.x\n'),
        '--config',
        file('v.yaml', 'workloads: {}\n'),
      ],
      'client "bob": with --config',
    ],
  ];
  it.each(rows)('%s is said with its place', async (_rule, args, want) => {
    const error = await run(...args()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DnsvalveError);
    expect(String(error)).toContain(want);
  });
});
