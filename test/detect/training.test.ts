import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { evaluateNames, namesReportText } from '../../src/detect/eval-names.ts';
import { SpellingModel, SYMBOLS, TRIGRAMS } from '../../src/detect/spelling-model.ts';
import { modelFile, readLists } from '../../src/detect/training/generated.ts';
import { DomainReader } from '../../src/detect/training/lists.ts';
import { Trigrams } from '../../src/detect/training/ngrams.ts';
import { train } from '../../src/detect/training/train.ts';
import { LETTERS, PHRASES, SLIPS } from './generated-support.ts';

const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-training-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, octets: string | Uint8Array): string {
  writeFileSync(join(directory, name), octets);
  return join(directory, name);
}

const benign = file('benign.csv', SLIPS.map((name, rank) => `${rank},www.${name}`).join('\n'));
const table = LETTERS.map((name) => `${name}\tdga\tmine\tchar`).join('\n');
const generated = file('generated.tsv.gz', gzipSync(`name\tlabel\tfamily\tkind\n${table}\n`));
const words = file('words.json', JSON.stringify(['garden', 'paper', 'Not', 'to', 'engine']));
const ARGUMENTS = ['--benign', benign, '--generated', generated, '--words', words];
const reader = new DomainReader();

describe('training', () => {
  it('reads ranks, columns, zipped files and JSON, and keeps registrable domains once', () => {
    const lists = readLists([...ARGUMENTS, '--benign', benign], reader);
    expect(lists.benign.map(({ domain }) => domain)).toEqual(SLIPS);
    expect(lists.generated[0]).toEqual({
      domain: 'xkqvwzhtrpl.com',
      label: 'xkqvwzhtrpl',
      family: 'mine',
      kind: 'char',
    });
    expect(lists.words).toEqual(['garden', 'paper', 'engine']);
  });

  it('the same lists give the same file, octet for octet', () => {
    const first = modelFile(readLists(ARGUMENTS, reader), new DomainReader());
    const second = modelFile(readLists(ARGUMENTS, reader), reader);
    expect(Buffer.compare(first, second)).toBe(0);
    const header = JSON.parse(Buffer.from(first).toString('latin1').split('\n')[0] ?? '');
    expect(header).toMatchObject({ model: 'spelling', version: 1, benign: 20, generated: 6 });
  });

  it('says which list is missing', () => {
    expect(() => readLists(['--benign', benign], reader)).toThrow('--generated: no list');
  });

  it('names that are none are left out', () => {
    for (const text of ['', '.', 'com', 'co.uk', 'a..b', `${'a'.repeat(64)}.com`, 'a b.com']) {
      expect(reader.read(text), text).toBe(false);
    }
    expect(reader.read('a.b.co.uk')).toBe(true);
    expect(reader.label).toBe(1);
  });

  it('what follows a pair of characters costs what a probability costs', () => {
    const trigrams = new Trigrams();
    for (const name of [...SLIPS, ...LETTERS]) trigrams.add(name.split('.')[0] ?? '');
    const costs = trigrams.costs();
    for (let pair = 0; pair < TRIGRAMS; pair += SYMBOLS) {
      let sum = 0;
      for (const cost of costs.subarray(pair, pair + SYMBOLS)) sum += 2 ** (-cost / 16);
      expect(sum).toBeGreaterThan(0.9);
      expect(sum).toBeLessThan(1.1);
    }
  });

  it('suffixes are found again, whatever their order', () => {
    const many = Array.from({ length: 60 }, (_, i) => `name${i}x.${i % 2 === 0 ? 'com' : 'net'}`);
    const list = reader.domains([file('many', many.join('\n'))]);
    const model = new SpellingModel(train({ benign: list, generated: [], words: [] }, reader));
    expect(model.suffixes.filter((word, at) => at % 2 === 0 && word !== 0).length).toBe(2);
  });
});

describe('names evaluated', () => {
  const rows = [
    ...SLIPS.map((name) => `${name}\tbenign`),
    ...LETTERS.map((name) => `${name}\tdga\tletters\tchar`),
    ...PHRASES.map((name) => `${name}\tdga\tphrases\tdict`),
  ];
  const report = evaluateNames(['name\tlabel\tfamily\tkind', ...rows, rows[0] ?? '']);

  it('each domain once, by family', () => {
    expect(report.benign).toBe(20);
    expect(report.families.map(({ family, kind, names }) => [family, kind, names])).toEqual([
      ['letters', 'char', 6],
      ['phrases', 'dict', 20],
    ]);
  });

  it('workloads of generated names are found, those of slips are not', () => {
    const [letters, phrases] = report.families;
    expect(letters?.found[0]).toBe(1);
    expect(letters?.atPercent).toBe(1);
    expect(phrases?.found[0]).toBe(0);
    expect(phrases?.found[2]).toBeGreaterThan(0.95);
    for (const share of report.falseAlarms) expect(share).toBeLessThan(0.001);
  });

  it('twice the same, and as lines', () => {
    expect(evaluateNames(rows)).toEqual(report);
    const text = namesReportText(report);
    expect(text[0]).toContain('benign 20 names');
    expect(text.join('\n')).toMatch(/families of kind dict +0.00 +\d\.\d\d +1.00/);
  });
});
