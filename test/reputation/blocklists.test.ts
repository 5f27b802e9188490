/** The lists that are shipped: every line of them is an entry, and their headers say what they must. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseFeed } from '../../src/reputation/parse.ts';
import { Reputation, VET_DENY } from '../../src/reputation/vet.ts';
import { build, vet } from './support.ts';

const FOLDER = new URL('../../blocklists/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));

describe('shipped blocklists', () => {
  it('are the six that the documentation names', () => {
    const readme = readFileSync(new URL('README.md', FOLDER), 'utf8');
    expect(FILES).toHaveLength(6);
    for (const file of FILES) expect(readme).toContain(`\`${file}\``);
  });

  for (const file of FILES) {
    const octets = readFileSync(new URL(file, FOLDER));
    const text = octets.toString('utf8');
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

    it(`${file}: plain by detection, no reject, nothing converted`, () => {
      const parsed = parseFeed(octets, 'auto');
      expect(parsed.format).toBe('plain');
      expect(parsed.text.rejects.list()).toEqual([]);
      expect(parsed.text.reader.converted).toBe(0);
      expect(parsed.text.entries.count).toBe(lines.length);
      expect(lines.length).toBeGreaterThanOrEqual(30);
    });

    it(`${file}: says source, date and licence`, () => {
      expect(text).toMatch(/^# source: .+$/m);
      expect(text).toMatch(/^# date: \d{4}-\d{2}-\d{2}$/m);
      expect(text).toMatch(/^# licence: CC0-1\.0$/m);
    });

    it(`${file}: no entry is covered by another`, () => {
      const covered = lines.filter((line) => {
        const others = lines.filter((other) => other !== line).join('\n');
        return vet(new Reputation(build([{ text: others }]).memory), line).result === VET_DENY;
      });
      expect(covered).toEqual([]);
      expect(new Set(lines).size).toBe(lines.length);
    });
  }
});
