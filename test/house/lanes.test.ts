/** The two lanes: what runs per query may load only what runs per query. */

import { describe, expect, it } from 'vitest';
import { codeOf, runtimeImports, sources } from './sources.ts';

/** Folders whose files are all fast lane, but for those below. */
const FOLDERS = ['src/wire/', 'src/cache/'];
const SLOW = new Set(['src/wire/text.ts']);
const FILES = new Set(
  `
  pipeline ahead settle refresh stages cookies query batch tables memory clock counters fingerprints
  identity/prefixes identity/identify identity/workloads identity/forwarded
  policy/authorize policy/suffixes policy/decision policy/deny policy/sentence policy/recall policy/texts
  policy/why
  reputation/vet reputation/memory reputation/punycode reputation/folding reputation/misspellings
  reputation/edits reputation/likeness reputation/likeness-memory reputation/standing
  reputation/standing-memory detect/reputation detect/reputation-parts detect/flux
  detect/registrable detect/settings detect/rows detect/examine
  detect/channels detect/parts detect/memory detect/model detect/symbols detect/price detect/popular
  detect/seen detect/spread detect/tell detect/look detect/types detect/tunnel detect/download
  detect/account-row detect/accounts detect/budget detect/budgets
  detect/code detect/code-lengths detect/code-text
  detect/spelling detect/spelling-model detect/generated detect/generated-names
  detect/generated-rows detect/generated-sums detect/generated-tell
  overrides/memory overrides/in-force overrides/cap
  overload/rates overload/prefix overload/shield overload/responses
  querylog/kinds querylog/taps querylog/tap events/byte-ring
  events/kinds events/ring events/slots events/ledger events/handover events/findings
  metrics/latency metrics/meter
  upstream/routes upstream/waiters upstream/ages upstream/inflight upstream/forward upstream/match
  zones/answer zones/kind zones/memory zones/alias
  `
    .trim()
    .split(/\s+/)
    .map((name) => `src/${name}.ts`),
);

function isFast(path: string): boolean {
  return (FOLDERS.some((folder) => path.startsWith(folder)) && !SLOW.has(path)) || FILES.has(path);
}

const files = sources('src', '.ts');
const fast = files.filter(({ path }) => isFast(path));

/** What a file of the fast lane must not hold, and why. */
const FORBIDDEN: readonly (readonly [string, RegExp, ReadonlySet<string>])[] = [
  [
    'the time of day: it is read once per batch, by the clock',
    /Date\.now|performance\.now/,
    new Set(['src/clock.ts']),
  ],
  ['randomness', /Math\.random|node:crypto/, new Set()],
  ['promises', /\bawait\b|\basync\b|Promise/, new Set()],
  ['timers', /setTimeout|setInterval|setImmediate/, new Set()],
  ['a logger', /\bconsole\.|pino|\.\/log\.ts/, new Set()],
  ['views made per call', /\.subarray\(|\.slice\(/, new Set(['src/policy/texts.ts'])],
  ['a dependency', /from '[a-z@]/, new Set()],
];

describe('lanes', () => {
  it('every file that is listed exists', () => {
    const known = new Set(files.map(({ path }) => path));
    expect([...FILES, ...SLOW].filter((path) => !known.has(path))).toEqual([]);
    expect(fast.length).toBeGreaterThan(40);
  });

  it('fast-lane files load only fast-lane files', () => {
    const wrong = fast.flatMap((file) =>
      runtimeImports(file)
        .filter((path) => !isFast(path))
        .map((path) => `${file.path} loads ${path}`),
    );
    expect(wrong).toEqual([]);
  });

  it('tells what is loaded from what is only a type', () => {
    const text = [
      "import { type A } from './a.ts';",
      "import type { B } from './b.ts';",
      "import { C, type D } from '../c.ts';",
      "import {\n  E,\n} from './e/f.ts';",
      "export { G } from './g.ts';",
      "import 'node:os';",
    ].join('\n');
    const file = { path: 'src/x/y.ts', text, lines: text.split('\n') };
    const loaded = ['src/c.ts', 'src/x/e/f.ts', 'src/x/g.ts', 'node:os'];
    expect(runtimeImports(file)).toEqual(loaded);
  });

  for (const [what, pattern, exempt] of FORBIDDEN) {
    it(`fast-lane files hold no ${what}`, () => {
      const wrong = fast.filter((file) => !exempt.has(file.path) && pattern.test(codeOf(file)));
      expect(wrong.map(({ path }) => path)).toEqual([]);
    });
  }

  it('only who must go on whatever happens catches: decideSafely', () => {
    const catching = fast.filter((file) => /\bcatch\b/.test(codeOf(file)));
    expect(catching.map(({ path }) => path)).toEqual(['src/pipeline.ts']);
  });
});
