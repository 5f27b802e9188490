/** How the database is opened for writing. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { opener } from '../../src/history/open.ts';
import { temporaryDirectory } from './support/fixture.ts';

describe('memory for pages of the database', () => {
  const rows = [
    { name: '64 MB where nothing is said', octets: undefined, kib: 62_500 },
    { name: 'as much as is said', octets: 1_048_576, kib: 1024 },
  ];

  it.each(rows)('is $name', ({ octets, kib }) => {
    const { db } = opener(octets)(join(temporaryDirectory(), 'history.db'), 0);
    // Negative: KiB, where a positive number would be pages.
    expect(db.pragma('cache_size', { simple: true })).toBe(-kib);
    db.close();
  });
});
