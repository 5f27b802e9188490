/** Lists of a file that are changed in place: what goes, what comes, and all that stays. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSeq, type Node, parse, parseDocument } from 'yaml';
import { FileEdit, type NewItem } from '../../src/config/edit-lists.ts';
import { commentLines, configurations, isPartOf } from '../drift/generated.ts';

const PATH = ['workloads', 'pay', 'allow'];

interface Row {
  readonly name: string;
  /** The file, with `^` in front of each entry that goes. */
  readonly file: string;
  readonly add?: readonly NewItem[];
  /** The file afterwards, or why it is left as it is. */
  readonly want: string;
  readonly path?: readonly string[];
  readonly remove?: readonly number[];
}

const NEW: readonly NewItem[] = [{ text: 'new.test', comment: 'seen 3 times' }];

function changed({ file, add = [], path = PATH, remove }: Row): string {
  const text = file.replaceAll('^', '');
  const list = parseDocument(text).getIn(path, true);
  const items = isSeq(list) ? list.items : [];
  let marks = 0;
  const offsets = [...file.matchAll(/\^/g)].map(({ index }) => index - marks++);
  const marked = offsets.map((at) => items.findIndex((item) => (item as Node).range?.[0] === at));
  const edit = new FileEdit(text);
  return edit.change({ path, remove: remove ?? marked, add }) ?? edit.finish();
}

const rows: readonly Row[] = [
  {
    name: 'an entry goes with its line and the comment behind it; comments on other lines stay',
    file: `# head
workloads:
  pay:
    allow: # names
      # first
      - a.test # one
      # second
      - ^b.test # two
      # third
      - c.test   # three

  web: {}
`,
    want: `# head
workloads:
  pay:
    allow: # names
      # first
      - a.test # one
      # second
      # third
      - c.test   # three

  web: {}
`,
  },
  {
    name: 'an entry of several lines goes whole',
    file: `workloads:
  pay:
    allow:
    - ^name: a.test # one
      types:
        - A
        - AAAA # both
      reason:
    # of b
    - ^{ name: b.test,
        ticket: X } # two
    - ^name: c.test
      reason: |
        text

        more
    - d.test
`,
    want: `workloads:
  pay:
    allow:
    # of b
    - d.test
`,
  },
  {
    name: 'a list of which nothing is left is empty',
    file: `workloads:
  pay:
    allow: # names
      - ^a.test
      # alone
      - ^b.test
    mode: report
`,
    want: `workloads:
  pay:
    allow: [] # names
      # alone
    mode: report
`,
  },
  {
    name: 'entries come behind the last one, with its indent',
    file: 'workloads:\n  pay:\n    allow:\n    - ^a.test\n    - b.test # b\n    # end\n    mode: report\n',
    add: NEW,
    want: 'workloads:\n  pay:\n    allow:\n    - b.test # b\n    - new.test  # seen 3 times\n    # end\n    mode: report\n',
  },
  {
    name: 'entries come to a list of which nothing is left',
    file: 'workloads:\n  pay:\n    allow:\n    - ^a.test',
    add: NEW,
    want: 'workloads:\n  pay:\n    allow:\n    - new.test  # seen 3 times\n',
  },
  {
    name: 'lines end as those of the file do, and its last one may have no end',
    file: 'workloads:\r\n  pay:\r\n    allow:\r\n    - a.test',
    add: NEW,
    want: 'workloads:\r\n  pay:\r\n    allow:\r\n    - a.test\r\n    - new.test  # seen 3 times',
  },
  {
    name: 'a list in brackets keeps its form',
    file: 'workloads:\n  pay: { allow: [ a.test, ^"*.b.test", { name: c.test, types: [ A ] } ] } # x\n',
    add: NEW,
    want: 'workloads:\n  pay: { allow: [ a.test, { name: c.test, types: [ A ] }, new.test ] } # x\n',
  },
  {
    name: 'brackets without space stay so, and may be left empty',
    file: 'workloads: { pay: { allow: [^a.test,^b.test], mode: report } }\n',
    want: 'workloads: { pay: { allow: [], mode: report } }\n',
  },
  {
    name: 'an entry comes to empty brackets',
    file: 'workloads: { pay: { allow: [] } }\n',
    add: NEW,
    want: 'workloads: { pay: { allow: [ new.test ] } }\n',
  },
  {
    name: 'brackets over several lines keep lines and comments',
    file: `workloads:
  pay:
    allow: [ # names
      ^a.test, # one
      b.test,
      ^c.test # three
    ]
`,
    add: NEW,
    want: `workloads:
  pay:
    allow: [ # names
       # one
      b.test, new.test,
       # three
    ]
`,
  },
  {
    name: 'a list that is not there comes behind the other keys',
    file: 'workloads:\n  pay:\n    mode: report # learn\n\n  web: {}\n',
    add: NEW,
    want: 'workloads:\n  pay:\n    mode: report # learn\n    allow:\n      - new.test  # seen 3 times\n\n  web: {}\n',
  },
  {
    name: 'a list that is not there comes into braces',
    file: 'workloads: { pay: { mode: report, }, web: {} }\n',
    add: NEW,
    want: 'workloads: { pay: { mode: report, allow: [ new.test ], }, web: {} }\n',
  },
  {
    name: 'an alias stays, because its anchor is in force elsewhere',
    file: 'x: &l [ a.test ]\nworkloads:\n  pay:\n    allow: *l\n',
    add: NEW,
    want: 'it stands behind a YAML anchor, which other places may use',
  },
  {
    name: 'a list with an anchor stays, and so does all within one',
    file: 'workloads:\n  pay: &p\n    allow: [ ^a.test ]\n',
    want: 'it stands behind a YAML anchor, which other places may use',
  },
  {
    name: 'an entry that is not there changes nothing',
    file: 'workloads:\n  pay:\n    allow: [ a.test ]\n',
    remove: [1],
    want: 'no entry 1',
  },
];

describe('a file changed in place', () => {
  for (const row of rows) {
    it(row.name, () => {
      expect(changed(row)).toBe(row.want);
    });
  }

  it('of any form holds what was meant, and every other line as it was', () => {
    interface Lists {
      everyone: { allow?: unknown[] };
      workloads: Record<string, { allow?: unknown[] }>;
    }
    const choice = fc.record({ gone: fc.array(fc.nat(7)), isAdded: fc.boolean() });
    let edits = 0;
    const property = fc.property(configurations, choice, choice, (file, first, second) => {
      const text = file.replace(/^\ufeff/, '');
      const want = parse(text) as Lists;
      const edit = new FileEdit(text);
      const lists = [
        { path: ['everyone', 'allow'], holder: want.everyone, choice: first },
        { path: PATH, holder: want.workloads['pay'] ?? {}, choice: second },
      ];
      for (const { path, holder, choice: chosen } of lists) {
        const items = holder.allow ?? [];
        const remove = [...new Set(chosen.gone)].filter((index) => index < items.length);
        const add = chosen.isAdded ? NEW : [];
        if (remove.length + add.length === 0) continue;
        edits++;
        expect(edit.change({ path, remove, add })).toBe(null);
        const kept = items.filter((_, index) => !remove.includes(index));
        holder.allow = [...kept, ...add.map((item) => item.text)];
      }
      const after = edit.finish();
      expect(parse(after)).toEqual(want);
      expect(isPartOf(commentLines(text), commentLines(after))).toBe(true);
      const added = lines(after).filter((line) => !lines(text).includes(line));
      expect(added.every((line) => /new\.test|allow:|#/.test(line))).toBe(true);
    });
    fc.assert(property, { numRuns: 1000, seed: 20_260_301 });
    expect(edits).toBeGreaterThan(1000);
  });
});

function lines(text: string): string[] {
  return text.split(/\r?\n/);
}
