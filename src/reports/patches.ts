/**
 * The patches of a report: which items of which files go, or give way to fewer names. Made from the
 * files only where they are still those of the policy.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { editFile } from './patch.ts';
import type { Policy, Rule } from './policy.ts';
import type { Patch, Report } from './report.ts';

export interface RuleEdit {
  readonly rule: Rule;
  /** In place of it; none to remove it. */
  readonly patterns: readonly string[];
}

/** What a policy is edited in. */
export interface PolicyFiles {
  readonly policy: Policy;
  readonly shownFile: (path: string) => string;
}

export type Patches = Required<Pick<Report<unknown>, 'patches' | 'whole'>>;

/** A patch for each subject that has edits, and one over all of them. */
export function patchesOf(
  subjects: ReadonlyMap<string, readonly RuleEdit[]>,
  files: PolicyFiles,
): Patches {
  const lists = [...subjects].filter(([, edits]) => edits.length > 0);
  return {
    patches: lists.map(([subject, edits]) => patchFor(subject, edits, files)),
    whole: patchFor(
      'all',
      lists.flatMap(([, edits]) => edits),
      files,
    ),
  };
}

/** Over as many files as it takes. */
function patchFor(
  subject: string,
  edits: readonly RuleEdit[],
  { policy, shownFile }: PolicyFiles,
): Patch {
  let text = '';
  const byHand: string[] = [];
  for (const [file, list] of Map.groupBy(edits, ({ rule }) => rule.file)) {
    const path = policy.files[file] ?? '';
    const octets = textOf(path, policy.fileDigests[file]);
    if (octets === null) {
      byHand.push(`${shownFile(path)} is no longer the file of this policy`);
      continue;
    }
    const lines = list.map(({ rule, patterns }) => ({ line: rule.line, patterns }));
    const edited = editFile(shownFile(path), octets, lines);
    text += edited.diff;
    byHand.push(...edited.byHand.map((line) => `${shownFile(path)}:${line}`));
  }
  return { subject, text, byHand };
}

function textOf(path: string, digest: string | undefined): string | null {
  try {
    const octets = readFileSync(path);
    const is = createHash('sha256').update(octets).digest('hex');
    return is === digest ? octets.toString('utf8') : null;
  } catch {
    return null;
  }
}
