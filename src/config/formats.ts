/** Which formats a kind of sink takes. What they look like is told in `src/alerts/formats`. */

export const FORMATS = ['rfc5424', 'rfc3164', 'json', 'cef', 'ecs', 'ocsf'] as const;
export type Format = (typeof FORMATS)[number];

const DOCUMENTS: readonly Format[] = ['json', 'cef', 'ecs', 'ocsf'];
/** By kind of target; syslog takes all. The first is what a sink has that names none. */
const BY_KIND: Readonly<Record<string, readonly Format[]>> = {
  file: DOCUMENTS,
  https: ['json', 'ecs', 'ocsf'],
};

export function formatsOf(kind: string): readonly Format[] {
  return BY_KIND[kind] ?? FORMATS;
}

/** The problem with a format, or null. */
export function formatProblem(kind: string, format: Format): string | null {
  const accepted = formatsOf(kind);
  if (accepted.includes(format)) return null;
  const what = kind === 'file' ? 'a file' : `a sink of kind ${kind}`;
  return `${what} takes ${accepted.join(', ')}, not ${format}`;
}
