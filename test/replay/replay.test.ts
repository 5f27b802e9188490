import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Scenario, titleOf } from '../support/replay-scenario.ts';

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.rpl'));

describe('scenarios', () => {
  it('are found', () => {
    expect(files.length).toBeGreaterThan(20);
  });

  for (const file of files) {
    const text = readFileSync(`${import.meta.dirname}/${file}`, 'utf8');
    it(`${file}: ${titleOf(text)}`, async () => {
      expect(await Scenario.run(text)).toBeGreaterThan(1);
    });
  }
});
