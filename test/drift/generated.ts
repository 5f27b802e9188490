/** Generated configurations, in every form that people write lists in, with comments everywhere. */

import fc from 'fast-check';

interface Item {
  readonly pattern: string;
  readonly form: 'plain' | 'quoted' | 'braces' | 'lines';
  readonly comment: string;
}

const LABELS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const PATTERNS = LABELS.flatMap((label) => [
  `${label}.test`,
  `www.${label}.test`,
  `*.${label}.test`,
  `.${label}.test`,
  `*.api.${label}.test`,
]);

export const NAMES = LABELS.flatMap((label) => [
  `${label}.test`,
  `www.${label}.test`,
  `x.api.${label}.test`,
  `y.z.${label}.test`,
]);

const comment = fc.constantFrom('', '', '# because', '# "quoted", [x]: - y', '# ünïcode *');

const item: fc.Arbitrary<Item> = fc.record({
  pattern: fc.constantFrom(...PATTERNS),
  form: fc.constantFrom('plain', 'quoted', 'braces', 'lines'),
  comment,
});

interface List {
  readonly items: readonly Item[];
  readonly style: 'block' | 'flow' | 'flow-lines' | 'absent';
  readonly above: string;
  readonly indent: number;
}

const list: fc.Arbitrary<List> = fc.record({
  items: fc.uniqueArray(item, { maxLength: 8, selector: ({ pattern }) => pattern }),
  style: fc.constantFrom('block', 'block', 'flow', 'flow-lines', 'absent'),
  above: comment,
  indent: fc.constantFrom(0, 2, 4),
});

interface Parts {
  readonly everyone: List;
  readonly pay: List;
  readonly web: List;
  readonly bundle: List;
  readonly mode: string;
  readonly eol: string;
  readonly mark: string;
  readonly isOpen: boolean;
}

export const configurations: fc.Arbitrary<string> = fc
  .record<Parts>({
    everyone: list,
    pay: list,
    web: list,
    bundle: list,
    mode: fc.constantFrom('report', 'enforce', 'open'),
    eol: fc.constantFrom('\n', '\n', '\r\n'),
    mark: fc.constantFrom('', '', '\ufeff'),
    isOpen: fc.boolean(),
  })
  .map(textOf);

function textOf({ everyone, pay, web, bundle, mode, eol, mark, isOpen }: Parts): string {
  const lines = [
    '# yaml-language-server: $schema=../dnsvalve.schema.json',
    'upstreams: { default: { servers: [ 192.0.2.1 ] } } # of nobody',
    '',
    'everyone: # all of them',
    '  deny: [ never.test ]',
    ...listLines('allow', everyone, 2),
    'bundles:',
    ...listLines('some', bundle.style === 'absent' ? { ...bundle, style: 'flow' } : bundle, 2),
    '',
    'workloads:',
    '  # payments',
    '  pay:',
    '    sources: [ 10.0.0.0/24 ]',
    `    mode: ${mode} # for now`,
    '    use: [ some ]',
    ...listLines('allow', pay, 4),
    '',
    '  # the other one',
    `  web:`,
    ...listLines('allow', web, 4),
    '    # in the middle',
    `    mode: ${mode}`,
    '    sources:',
    '      - 10.0.1.0/24 # office',
    '# the end',
  ];
  return mark + lines.join(eol) + (isOpen ? '' : eol);
}

function listLines(key: string, { items, style, above, indent }: List, depth: number): string[] {
  const pad = ' '.repeat(depth);
  if (style === 'absent') return [`${pad}# no ${key}`];
  if (style === 'flow' || items.length === 0) {
    return [`${pad}${key}: [ ${items.map(flowText).join(', ')} ] ${above}`.trimEnd()];
  }
  const deep = pad + ' '.repeat(style === 'block' ? indent : indent + 1);
  if (style === 'flow-lines') {
    const last = items.length - 1;
    const inside = items.map((one, i) =>
      `${deep}${flowText(one)}${i === last ? '' : ','} ${one.comment}`.trimEnd(),
    );
    return [`${pad}${key}: [ ${above}`.trimEnd(), ...inside, `${pad} ]`];
  }
  const inside = items.flatMap((one) => [
    ...(one.comment.length > 10 ? [`${deep}${one.comment}`] : []),
    ...blockLines(one, deep),
  ]);
  return [`${pad}${key}: ${above}`.trimEnd(), ...inside];
}

function blockLines({ pattern, form, comment: text }: Item, deep: string): string[] {
  if (form !== 'lines')
    return [`${deep}- ${flowText({ pattern, form, comment: '' })} ${text}`.trimEnd()];
  return [
    `${deep}- name: ${JSON.stringify(pattern)} ${text}`.trimEnd(),
    `${deep}  reason: >-`,
    `${deep}    of old, # no comment`,
    `${deep}    and of late`,
    `${deep}  types: [ A, AAAA ]`,
  ];
}

function flowText({ pattern, form }: Item): string {
  if (form === 'plain' && /^[a-z]/.test(pattern)) return pattern;
  return form === 'plain' || form === 'quoted' || form === 'lines'
    ? JSON.stringify(pattern)
    : `{ name: ${JSON.stringify(pattern)}, ticket: "T-1, 2" }`;
}

/** Comments that stand alone on a line, in their order. */
export function commentLines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => /^\s*#/.test(line));
}

/** Whether `part` is `whole` without some of its lines. */
export function isPartOf(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const line of part) {
    at = whole.indexOf(line, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
