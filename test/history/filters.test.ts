import { describe, expect, it } from 'vitest';
import { FILTER_SHIFT, Filters } from '../../src/history/filters.ts';

const ROWS = 2 ** FILTER_SHIFT;

/** Filters with `parts` whole stretches, each row's owner and name made of its number. */
function filled(parts: number): Filters {
  const filters = new Filters({ k0: 7, k1: 11 });
  for (let id = 0; id < parts * ROWS; id++) {
    filters.hash(id % 500, nameOf(id));
    filters.add(id);
  }
  return filters;
}

function nameOf(id: number): string {
  return `com.name-${id.toString(36)}.`;
}

/** Every stretch that may hold the key, youngest first. */
function partsOf(filters: Filters, owner: number, name: string): number[] {
  filters.hash(owner, name);
  const parts: number[] = [];
  for (let part = filters.before(9); part >= 0; part = filters.before(part)) parts.push(part);
  return parts;
}

describe('the filters of full stretches', () => {
  const filters = filled(2);

  it('never miss a key that is there', () => {
    for (let id = 0; id < 2 * ROWS; id += 7) {
      const parts = partsOf(filters, id % 500, nameOf(id));
      expect(parts.includes(Math.floor(id / ROWS))).toBe(true);
    }
  });

  it('take few other keys for one that is there', () => {
    let mistaken = 0;
    for (let id = 0; id < ROWS; id++) {
      mistaken += partsOf(filters, id % 500, `org.other-${id.toString(36)}.`).length;
    }
    expect(mistaken / (2 * ROWS)).toBeLessThan(0.001);
  });

  it('tell the same name of another owner from it', () => {
    let mistaken = 0;
    for (let id = 0; id < 10_000; id++) {
      mistaken += partsOf(filters, 1000 + (id % 500), nameOf(id)).length;
    }
    expect(mistaken).toBeLessThan(20);
  });
});

describe('stretches that are closed', () => {
  const parts = 19;
  const noted = (id: number): string => `net.part-${id % 97}-${Math.floor(id / ROWS)}.`;
  const filters = new Filters({ k0: 3, k1: 5 });
  const note = (id: number): void => {
    filters.hash(1, noted(id));
    filters.add(id);
  };
  for (let part = 0; part < parts; part++) {
    if (part === 4) filters.setPart(part, null);
    else for (let i = 0; i < 97; i++) note(part * ROWS + i);
  }

  it('are found as those that are open, youngest first', () => {
    const find = (): number[][] =>
      Array.from({ length: parts * 97 }, (_, i) => {
        filters.hash(1, noted(Math.floor(i / 97) * ROWS + (i % 97)));
        const found: number[] = [];
        for (let at = filters.before(parts); at >= 0; at = filters.before(at)) found.push(at);
        return found;
      });
    const before = find();
    expect(before.filter((found) => found.length > 0)).toHaveLength((parts - 1) * 97);
    filters.close(17);
    expect(find()).toEqual(before);
  });

  it('take a key that is noted late', () => {
    filters.hash(9, 'org.late.');
    filters.add(3 * ROWS + 5);
    expect(partsOf(filters, 9, 'org.late.')).toEqual([3]);
  });
});
