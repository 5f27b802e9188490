/**
 * Mutants: places of a source file where one operator, number or statement can be changed, found
 * in the text. Comments, texts, types and imports are left alone. Each mutant is one change.
 */

export interface Mutant {
  /** 1-based. */
  readonly line: number;
  /** 1-based, of the octet where the change begins. */
  readonly column: number;
  readonly from: string;
  readonly to: string;
  /** The whole file with the change in it. */
  readonly text: string;
}

/** What stands there, by a pattern that begins and ends with it, and what stands there instead. */
const CHANGES: readonly (readonly [pattern: RegExp, to: (from: string) => string])[] = [
  [/(?<= )===(?= )/g, () => '!=='],
  [/(?<= )!==(?= )/g, () => '==='],
  [/(?<= )<(?= )/g, () => '<='],
  [/(?<= )<=(?= )/g, () => '<'],
  [/(?<= )>(?= )/g, () => '>='],
  [/(?<= )>=(?= )/g, () => '>'],
  [/(?<= )&&(?= )/g, () => '||'],
  [/(?<= )\|\|(?= )/g, () => '&&'],
  [/(?<= )\+(?= )/g, () => '-'],
  [/(?<= )-(?= )/g, () => '+'],
  [/(?<= )\*(?= )/g, () => '+'],
  [/(?<= )&(?= )/g, () => '|'],
  [/(?<= )<<(?= )/g, () => '>>>'],
  [/(?<= )>>>(?= )/g, () => '<<'],
  [/(?<= )[+]=(?= )/g, () => '-='],
  [/(?<= )[|]=(?= )/g, () => '&='],
  [/\+\+(?=[;)\]])/g, () => '--'],
  [/(?<=[ (=])!(?=[\w(])/g, () => ''],
  [/\btrue\b/g, () => 'false'],
  [/\bfalse\b/g, () => 'true'],
  [/(?<=[ ([])\d+(?=[;,)\] ])/g, (from) => `${Number(from) + 1}`],
  [/\b0x[0-9a-f]+\b/g, (from) => `(${from} ^ 1)`],
  [/(?<=\bif \()(?!\()[^()]+(?=\) )/g, (from) => `!(${from})`],
  [/(?<=^ +)(continue|break);/g, () => ';'],
  [
    /(?<=^ +)(?!const |let |return|case |default|if |for |while |import |export )[\w.#[\]!]+(\(.*\))?( [|&+-]?= .*)?;$/g,
    () => ';',
  ],
];

/** Lines that are no code: comments, imports, types, and tables of constants. */
function isInert(line: string): boolean {
  return /^\s*(\/\/|\/?\*|import |export (type|interface)|type |interface |readonly |} from)/.test(
    line,
  );
}

/** The code of a line with its texts and its comment blanked, character for character. */
function bare(line: string): string {
  const blank = (match: string): string => match.replace(/./g, '\u0001');
  return line
    .replace(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/g, blank)
    .replace(/\/\*.*?\*\/|\/\/.*$/g, blank);
}

export function mutantsOf(text: string): Mutant[] {
  const lines = text.split('\n');
  const found: Mutant[] = [];
  for (const [index, line] of lines.entries()) {
    if (isInert(line)) continue;
    const code = bare(line);
    for (const [pattern, change] of CHANGES) {
      for (const { index: at, 0: from } of code.matchAll(pattern)) {
        if (from.includes('\u0001')) continue;
        const to = change(from);
        const changed = line.slice(0, at) + to + line.slice(at + from.length);
        const whole = [...lines.slice(0, index), changed, ...lines.slice(index + 1)];
        found.push({ line: index + 1, column: at + 1, from, to, text: whole.join('\n') });
      }
    }
  }
  return found;
}
