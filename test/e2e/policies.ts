/** Two policies for three workloads, and names that try them: made from a seed, the same each time. */

export const WORKLOADS = [
  { name: 'alpha', source: '127.0.0.2' },
  { name: 'beta', source: '127.0.0.3' },
  { name: 'gamma', source: '127.0.0.4' },
] as const;

const LISTS = [
  ['api.one.example', '"*.two.example"', '.three.example', '"*.deep.er.four.example"'],
  ['"*.one.example"', 'two.example', '{ name: .typed.example, types: [A, TXT] }'],
  ['.five.example', 'exact.three.example', 'x--y.six.example', '"*.typed.example"'],
] as const;

/** Names that a listed pattern ends with, to build variations on. */
const BASES = [
  'api.one.example',
  'one.example',
  'two.example',
  'three.example',
  'exact.three.example',
  'deep.er.four.example',
  'typed.example',
  'five.example',
  'x--y.six.example',
  'bundled.example',
  'everyone.example',
  'forbidden.example',
  'listed.example',
  'old.two.example',
  'stranger.example',
] as const;

export const TYPES = ['A', 'TXT', 'AAAA', 'TYPE65280'] as const;

/**
 * @param turn which workload gets which list: the policy after a reload is another turn
 * @param port of the upstream
 */
export function policy(turn: number, port: number): string {
  const workloads = WORKLOADS.map(({ name, source }, index) => {
    const allow = LISTS[(index + turn) % LISTS.length] ?? [];
    const isBundled = (index + turn) % 2 === 0;
    return `  ${name}:
    owner: team-${name}
    sources: [${source}/32]
    mode: enforce
    allow: [${allow.join(', ')}]
    use: [${isBundled ? 'bundle' : ''}]
    deny: [old.two.example${turn === 0 ? '' : ', "*.five.example"'}]
`;
  });
  return `upstreams: { fake: { servers: ["127.0.0.1:${port}"] } }
forward: { ".": fake, example: fake }
feeds:
  bad: { source: [listed.example, evil.three.example], category: malware, action: deny }
  odd: { source: [two.example], category: odd, action: alert }
bundles:
  bundle: [.bundled.example]
everyone:
  allow: ["*.everyone.example"]
  deny: ["*.forbidden.example", forbidden.everyone.example]
workloads:
${workloads.join('')}`;
}

export interface Tried {
  readonly name: string;
  readonly type: string;
}

/** mulberry32: small, and the same everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const VARIATIONS: readonly ((base: string, nth: number) => string)[] = [
  (base) => base,
  (base, nth) => `n${nth}.${base}`,
  (base, nth) => `a.n${nth}.${base}`,
  (base, nth) => `forbidden.n${nth}.${base}`,
  (base, nth) => `evil${nth}${base}`,
  (base, nth) => `${base}${nth}.example`,
  (base, nth) => `n${nth}\\.${base}`,
  (base, nth) => `n${nth}.${base.replace('.', '\\.')}`,
  (base) => base.slice(base.indexOf('.') + 1),
  (base, nth) => `N${nth}.${base.toUpperCase()}`,
  (base) => `*.${base}`,
  (base, nth) => `\\000n${nth}.${base}`,
  (base, nth) => `evil.${nth}.${base}.`.replace(/\.$/, ''),
];

/** @returns `count` different questions */
export function names(seed: number, count: number): Tried[] {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const made = new Map<string, Tried>([
    ['evil', { name: 'evil.three.example', type: 'A' }],
    ['feed', { name: 'x.listed.example', type: 'A' }],
  ]);
  for (let nth = 0; made.size < count; nth++) {
    const name = pick(VARIATIONS)(pick(BASES), nth);
    const type = nth % 3 === 0 ? pick(TYPES) : 'A';
    made.set(`${name.toLowerCase()} ${type}`, { name, type });
  }
  return [...made.values()];
}
