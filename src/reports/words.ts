/** Words and numbers that reports share, for people. */

const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** `1 rule`, `1,000 rules`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${thousands(count)} ${count === 1 ? one : many}`;
}

export function thousands(count: number): string {
  const text = String(Math.round(count));
  return text.length < 4 ? text : text.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `5h`, `12d`; rounded down, at least `1h`. */
export function span(ms: number): string {
  if (ms < 2 * DAY_MS) return `${Math.max(1, Math.floor(ms / HOUR_MS))}h`;
  return `${thousands(Math.floor(ms / DAY_MS))}d`;
}

/** `37 %`; never 100 for what is not all, nor 0 for what is something. */
export function share(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  if (part === whole) return '100 %';
  return `${Math.min(99, Math.max(1, Math.round((100 * part) / whole)))} %`;
}
