/** All checks, in the order of a query's way. */

import type { Check } from './check.ts';
import { COOKIES } from './cookies.ts';
import { EDNS } from './edns.ts';
import { HEADERS } from './headers.ts';
import { QUERIES } from './queries.ts';
import { STORE } from './store.ts';
import { STREAMS } from './streams.ts';
import { UPSTREAM } from './upstream.ts';

export const GROUPS: readonly (readonly [string, readonly Check[]])[] = [
  ['header and question', HEADERS],
  ['messages, names, types', QUERIES],
  ['EDNS and sizes', EDNS],
  ['cookies', COOKIES],
  ['store', STORE],
  ['TCP', STREAMS],
  ['towards upstream', UPSTREAM],
];
