/**
 * The patches of a report: which items of which files go, or give way to fewer names. Made from the
 * files only where they are still those of the policy.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Edit, editFile } from './patch.ts';
import type { Policy, Rule } from './policy.ts';
import type { Patch } from './report.ts';

export interface RuleEdit {
  readonly rule: Rule;
  /** In place of it; none to remove it. */
  readonly patterns: readonly string[];
}

/** One patch for a subject, over as many files as it takes; null where there is nothing to edit. */
export function patchFor(
  subject: string,
  edits: readonly RuleEdit[],
  { policy, shownFile }: { readonly policy: Policy; readonly shownFile: (path: string) => string },
): Patch | null {
  if (edits.length === 0) return null;
  const byFile = new Map<number, Edit[]>();
  for (const { rule, patterns } of edits) {
    byFile.set(rule.file, [...(byFile.get(rule.file) ?? []), { line: rule.line, patterns }]);
  }
  let text = '';
  const byHand: string[] = [];
  for (const [file, list] of byFile) {
    const path = policy.files[file] ?? '';
    const octets = textOf(path, policy.fileDigests[file]);
    if (octets === null) {
      byHand.push(`${shownFile(path)} is no longer the file of this policy`);
      continue;
    }
    const edited = editFile(shownFile(path), octets, list);
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
