/**
 * Patch: the remedies of the findings, written into the texts of the files, and nothing else. What
 * the files say afterwards is compared with what was meant before anybody sees it.
 */

import { unifiedDiff } from '../config/diff.ts';
import { readForEdit } from '../config/edit.ts';
import { FileEdit, type NewItem } from '../config/edit-lists.ts';
import type { Texts } from '../config/source.ts';
import type { Finding, ListPath, Wanted } from './finding.ts';

/** A byte order mark belongs to the file and not to its text. */
const MARK = '\ufeff';

export interface PatchedFile {
  /** As the configuration shows it. */
  readonly file: string;
  /** Behind links. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

export interface Patch {
  /** Those that change. */
  readonly files: readonly PatchedFile[];
  /** Lists that are left as they are, and why. */
  readonly left: readonly { readonly list: ListPath; readonly why: string }[];
  /** What changes in each list; of those that are left, nothing. */
  readonly changes: readonly ListChange[];
}

export interface ListChange {
  readonly list: ListPath;
  readonly remove: readonly number[];
  readonly add: readonly Wanted[];
}

export function patchOf(findings: readonly Finding[]): Patch {
  const byFile = new Map<string, ListChange[]>();
  for (const change of changesOf(findings)) {
    const { file } = change.list;
    const changes = byFile.get(file);
    if (changes === undefined) byFile.set(file, [change]);
    else changes.push(change);
  }
  const files: PatchedFile[] = [];
  const left: Patch['left'][number][] = [];
  const made: ListChange[] = [];
  for (const [file, changes] of byFile) {
    const { path, text: before } = readForEdit(file);
    const mark = before.startsWith(MARK) ? MARK : '';
    const edit = new FileEdit(before.slice(mark.length));
    for (const change of changes) {
      const { list, remove, add } = change;
      const why = edit.change({ path: list.path, remove, add: add.map(newItem) });
      if (why === null) made.push(change);
      else left.push({ list, why });
    }
    const after = mark + edit.finish();
    if (after !== before) files.push({ file, path, before, after });
  }
  return { files, left, changes: made };
}

/** Texts of the patched files, for a load that reads no others. */
export function textsOf({ files }: Patch): Texts {
  return new Map(
    files.map(({ path, after }) => [path, after.startsWith(MARK) ? after.slice(1) : after]),
  );
}

/** As `patch -p1` takes it, in the working directory, or in `/` for files outside of it. */
export function diffOf({ files }: Patch): string {
  return files
    .map(({ file, before, after }) => unifiedDiff(file.replace(/^(\.?\/)+/, ''), before, after))
    .join('');
}

/** One change for each list: an edit of a list is an edit of the whole. */
function changesOf(findings: readonly Finding[]): ListChange[] {
  const changes = new Map<string, { list: ListPath; remove: number[]; add: Wanted[] }>();
  for (const { remedy } of findings) {
    if (remedy === null) continue;
    const key = JSON.stringify([remedy.list.file, remedy.list.path]);
    const change = changes.get(key) ?? { list: remedy.list, remove: [], add: [] };
    changes.set(key, change);
    if (remedy.kind === 'remove') change.remove.push(...remedy.indexes);
    else change.add.push(...remedy.items);
  }
  return [...changes.values()];
}

/** Plain where YAML can take it for nothing but text. */
function newItem({ name, comment }: Wanted): NewItem {
  const isPlain = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]*[a-z0-9])+$/.test(name);
  return { text: isPlain ? name : JSON.stringify(name), comment };
}
