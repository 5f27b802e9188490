/** A change of a file as a unified diff, which `patch` and `git apply` take. */

/** Lines around a change. */
const CONTEXT = 3;

interface Hunk {
  /** Lines of the old and of the new text, 0-based, ends not in it. */
  readonly from: number;
  readonly to: number;
  readonly newFrom: number;
  readonly newTo: number;
}

/** '' where nothing changed. @param path relative to where the diff is applied */
export function unifiedDiff(path: string, before: string, after: string): string {
  const old = linesOf(before);
  const now = linesOf(after);
  const changes = changesOf(old, now);
  if (changes.length === 0) return '';
  const hunks = joined(changes).map((group) => hunkText(group, old, now));
  return `--- a/${path}\n+++ b/${path}\n${hunks.join('')}`;
}

/** Each with its line feed; the last may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * Stretches of lines that differ. Between two of them the texts are alike for at least one line;
 * lines that an edit moved do not occur, so the next line that both have is looked for nearby.
 */
function changesOf(old: readonly string[], now: readonly string[]): Hunk[] {
  const found: Hunk[] = [];
  let from = 0;
  let newFrom = 0;
  while (from < old.length || newFrom < now.length) {
    if (from < old.length && old[from] === now[newFrom]) {
      from++;
      newFrom++;
      continue;
    }
    const [gone, come] = nextAlike(old, now, { from, newFrom });
    found.push({ from, to: from + gone, newFrom, newTo: newFrom + come });
    from += gone;
    newFrom += come;
  }
  return found;
}

/** Lines to skip of each, so that what follows is alike again: as few as possible. */
function nextAlike(
  old: readonly string[],
  now: readonly string[],
  { from, newFrom }: { readonly from: number; readonly newFrom: number },
): [number, number] {
  const [left, right] = [old.length - from, now.length - newFrom];
  for (let distance = 1; distance < left + right; distance++) {
    for (let gone = Math.min(distance, left); gone >= 0; gone--) {
      const come = distance - gone;
      if (come > right) break;
      if (isAlike(old, from + gone, now, newFrom + come)) return [gone, come];
    }
  }
  return [left, right];
}

function isAlike(old: readonly string[], at: number, now: readonly string[], to: number): boolean {
  if (at >= old.length || to >= now.length) return at >= old.length && to >= now.length;
  return old[at] === now[to];
}

/** Changes whose context would meet are one hunk. */
function joined(changes: readonly Hunk[]): Hunk[][] {
  const groups: Hunk[][] = [];
  for (const change of changes) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (last === undefined || change.from - last.to > 2 * CONTEXT) groups.push([change]);
    else group?.push(change);
  }
  return groups;
}

function hunkText(group: readonly Hunk[], old: readonly string[], now: readonly string[]): string {
  const [first, last] = [group[0], group.at(-1)];
  if (first === undefined || last === undefined) return '';
  const before = Math.min(CONTEXT, first.from);
  const after = Math.min(CONTEXT, old.length - last.to);
  const from = first.from - before;
  const newFrom = first.newFrom - before;
  const size = last.to + after - from;
  const newSize = last.newTo + after - newFrom;
  let text = `@@ -${range(from, size)} +${range(newFrom, newSize)} @@\n`;
  let at = from;
  for (const { from: gone, to, newFrom: come, newTo } of group) {
    text += marked(' ', old.slice(at, gone));
    text += marked('-', old.slice(gone, to)) + marked('+', now.slice(come, newTo));
    at = to;
  }
  return text + marked(' ', old.slice(at, last.to + after));
}

function range(from: number, size: number): string {
  return `${size === 0 ? from : from + 1},${size}`;
}

function marked(mark: string, lines: readonly string[]): string {
  const noEnd = '\n\\ No newline at end of file\n';
  return lines.map((line) => mark + (line.endsWith('\n') ? line : line + noEnd)).join('');
}
