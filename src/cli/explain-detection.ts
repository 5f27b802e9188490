/**
 * What detectors say about a workload and a name, for `explain`: asked of the running resolver, and
 * where there is none, read from the history.
 */

import type { Detection } from '../detect/explain.ts';
import type { Explanation } from '../policy/explain.ts';

/** Where to ask. */
export interface DetectionPlaces {
  /** Control socket of the running resolver. */
  readonly control: string;
  readonly history: string;
}

/** @returns null where nobody can say: no daemon, and no history */
export async function detectionFor(
  { workload, name }: Explanation,
  { control, history }: DetectionPlaces,
): Promise<Detection | null> {
  const { ask } = await import('../control/client.ts');
  try {
    return (await ask(control, 'detection', { workload, name })) as Detection;
  } catch {
    // Not running, or it knows no such workload yet: what was found before is still worth telling.
    return fromHistory(workload, name, history);
  }
}

async function fromHistory(
  workload: string,
  name: string,
  path: string,
): Promise<Detection | null> {
  const [{ openForReading }, { lastFindings }, { explainFinding }, { reversedFromText }] =
    await Promise.all([
      import('../history/reader.ts'),
      import('../history/finding-queries.ts'),
      import('../detect/explain.ts'),
      import('../history/names.ts'),
    ]);
  try {
    const db = openForReading(path);
    try {
      const findings = lastFindings(db, workload, reversedFromText(name)).map(explainFinding);
      return { from: 'history', denied_until: null, findings };
    } finally {
      db.close();
    }
  } catch {
    return null;
  }
}

/** Lines for a terminal. */
export function detectionText(detection: Detection | null): string[] {
  if (detection === null) return ['detection: no resolver runs, and there is no history'];
  const where = detection.from === 'daemon' ? 'now' : 'last found, the resolver does not run';
  if (detection.findings.length === 0) return [`detection (${where}): nothing`];
  return detection.findings.flatMap(({ detector, summary, parts, verdict, last, qname }) => [
    `detection (${where}): ${detector}, ${verdict}: ${summary}`,
    `     last query ${last}${qname === null ? '' : `, ${qname}`}`,
    ...parts.map(({ text }) => `     ${text}`),
  ]);
}
