/** A path that is read without the schema is the one that the schema gives, or is left to it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { historyPath, stateDirectory } from '../../src/cli/state-path.ts';
import { mainSettings } from '../../src/config/main-file.ts';
import { placeOf } from '../../src/config/place.ts';
import { readSource, type Source } from '../../src/config/source.ts';
import type { Problem } from '../../src/errors.ts';

function written(text: string): { path: string; source: Source } {
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-place-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'dnsvalve.yaml');
  writeFileSync(path, text);
  const source = readSource(path, path, []);
  if (source === null) throw new Error(text);
  return { path, source };
}

describe('a plain path is read as the schema reads it', () => {
  const rows: { name: string; text: string; left: readonly string[] }[] = [
    { name: 'nothing is written', text: 'workers: 1\n', left: [] },
    { name: 'relative', text: 'control: {path: a/c.sock}\nstate_directory: s\n', left: [] },
    { name: 'absolute', text: 'history: {path: /var/h.db}\nstate_directory: /var\n', left: [] },
    { name: 'with other keys', text: 'history: {path: h.db, retention: 7d}\n', left: [] },
    { name: 'quoted', text: 'history: {path: "a b.db"}\n', left: [] },
    { name: 'an anchor', text: 'history: &x {path: h.db}\ncontrol: *x\n', left: [] },
    { name: 'another key only', text: 'history: {retention: 7d}\n', left: ['history'] },
    { name: 'the rest is wrong', text: 'wrokers: 1\ncontrol: {path: c}\n', left: [] },
  ];
  for (const { name, text, left } of rows) {
    it(name, () => {
      const { source } = written(text);
      const settings = mainSettings(source, []);
      const want = {
        control: settings.control.path,
        history: settings.history.path,
        state: settings.stateDirectory,
      };
      for (const place of ['control', 'history', 'state'] as const) {
        expect(placeOf(source, place)).toBe(left.includes(place) ? null : want[place]);
      }
    });
  }
});

describe('what is no plain path is left to the schema, which says what is wrong', () => {
  const rows: { name: string; text: string; ask: (path: string) => Promise<string> }[] = [
    { name: 'a number', text: 'history: {path: 5}\n', ask: historyPath },
    { name: 'empty', text: 'history: {path: ""}\n', ask: historyPath },
    { name: 'a key with a letter wrong', text: 'history: {pth: h.db}\n', ask: historyPath },
    { name: 'no mapping', text: 'history: h.db\n', ask: historyPath },
    { name: 'null', text: 'history:\n', ask: historyPath },
    { name: 'a list', text: 'state_directory: [a]\n', ask: stateDirectory },
    { name: 'NUL', text: 'state_directory: "a\\0b"\n', ask: stateDirectory },
  ];
  for (const { name, text, ask } of rows) {
    it(name, async () => {
      const { path, source } = written(text);
      const problems: Problem[] = [];
      mainSettings(source, problems);
      expect(problems.length).toBeGreaterThan(0);
      await expect(ask(path)).rejects.toThrow(problems[0]?.message);
    });
  }
});
