import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import {
  REFERENCE_FILE,
  referenceText,
  SCHEMA_FILE,
  schemaText,
} from '../../src/config/reference.ts';

const root = join(import.meta.dirname, '..', '..');

describe('generated files', () => {
  it.each([
    [SCHEMA_FILE, schemaText()],
    [REFERENCE_FILE, referenceText()],
  ])('%s is what `node src/config/reference.ts` writes', (file, text) => {
    expect(readFileSync(join(root, file), 'utf8')).toBe(text);
  });

  it('every key of the schema has a sentence', () => {
    const rows = referenceText()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const silent = rows.filter((line) => / \| {2}\|$/.test(line));
    expect(rows.length).toBeGreaterThan(60);
    expect(silent).toEqual([]);
  });
});

describe('examples', () => {
  const files = globSync('examples/*.yaml', { cwd: root }).sort();
  it('there are some', () => {
    expect(files.length).toBeGreaterThan(7);
  });
  it.each(files)('%s loads and names the schema', (file) => {
    const path = join(root, file);
    expect(loadConfig(path).workloads.length).toBeGreaterThan(0);
    expect(readFileSync(path, 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/dnsvalve\.schema\.json\n/,
    );
  });
});
