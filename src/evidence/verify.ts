/** Finding out whether a bundle, or an audit log, is as it was written. Reads the file once. */

import { createHash, type Hash } from 'node:crypto';
import { type AuditReport, checkAudit } from '../audit/verify.ts';
import { octetLines } from '../octet-lines.ts';
import { type Unsealed, unseal } from '../seal.ts';
import { BUNDLE_VERSION, lineStart, PARTS } from './bundle.ts';

export interface Verified {
  readonly kind: 'bundle' | 'audit' | 'unknown';
  /** Rows of the bundle, or records of the log. */
  readonly rows: number;
  /** Digest of the bundle, or of the log's last record; null where there is none. */
  readonly sha256: string | null;
  readonly findings: readonly string[];
  readonly notes: readonly string[];
}

const AUDIT_START = '{"seq":';
const MANIFEST = Buffer.from(lineStart('manifest'));
const STARTS = PARTS.map((part) => ({ part, octets: Buffer.from(lineStart(part)) }));

/**
 * @param digest that was noted elsewhere: of the bundle, or of any record of the log; null for none
 * @throws what opening and reading the file throws
 */
export function verify(path: string, digest: string | null): Verified {
  const [first] = octetLines(path);
  const start = first?.octets.toString('latin1', 0, 64) ?? '';
  if (start.startsWith(AUDIT_START)) return ofAudit(checkAudit(path, { digest }));
  if (start.startsWith('{"part":"')) return verifyBundle(path, digest);
  const findings = ['neither an evidence bundle nor an audit log, or its first line is damaged'];
  return { kind: 'unknown', rows: 0, sha256: null, findings, notes: [] };
}

function ofAudit({ records, last, findings, notes }: AuditReport): Verified {
  return { kind: 'audit', rows: records, sha256: last?.sha256 ?? null, findings, notes };
}

interface Part {
  readonly hash: Hash;
  rows: number;
  octets: number;
}

/** What was read of a bundle. */
class Reading {
  readonly findings: string[] = [];
  readonly parts = new Map<string, Part>();
  readonly #all = createHash('sha256');
  manifest: Unsealed | null = null;
  rows = 0;
  #last = 0;

  line(octets: Buffer, number: number, isWhole: boolean): void {
    if (!isWhole) this.findings.push(`line ${number}: is cut off`);
    if (this.manifest !== null) this.findings.push(`line ${number}: comes after the manifest`);
    else if (octets.subarray(0, MANIFEST.length).equals(MANIFEST)) this.#seal(octets, number);
    else this.#row(octets, number);
  }

  #row(octets: Buffer, number: number): void {
    const index = STARTS.findIndex((start) =>
      octets.subarray(0, start.octets.length).equals(start.octets),
    );
    const name = STARTS[index]?.part;
    if (name === undefined) this.findings.push(`line ${number}: is of no part`);
    if (index < this.#last) this.findings.push(`line ${number}: is not in its place`);
    this.#last = Math.max(index, this.#last);
    const part = this.#part(name ?? '');
    for (const hash of [part.hash, this.#all]) hash.update(octets).update('\n');
    part.rows++;
    part.octets += octets.length + 1;
    this.rows++;
  }

  #part(name: string): Part {
    const part = this.parts.get(name) ?? { hash: createHash('sha256'), rows: 0, octets: 0 };
    this.parts.set(name, part);
    return part;
  }

  #seal(octets: Buffer, number: number): void {
    this.manifest = unseal(octets, this.#all);
    if (this.manifest === null) this.findings.push(`line ${number}: the manifest is damaged`);
    if (this.manifest?.isIntact === false) {
      this.findings.push('the bundle is not as it was written: its digest is another');
    }
  }
}

function verifyBundle(path: string, digest: string | null): Verified {
  const reading = new Reading();
  for (const { octets, number, isWhole } of octetLines(path)) reading.line(octets, number, isWhole);
  const { findings, manifest, rows } = reading;
  if (manifest === null) findings.push('there is no manifest that can be read');
  else findings.push(...partProblems(manifest, reading.parts));
  const sha256 = manifest?.sha256 ?? null;
  if (digest !== null && digest !== sha256) findings.push(`it is not the bundle ${digest}`);
  return { kind: 'bundle', rows, sha256, findings, notes: [] };
}

/** Which parts are others than the manifest says: it tells where the damage is. */
function partProblems({ fields }: Unsealed, found: ReadonlyMap<string, Part>): string[] {
  if (fields['version'] !== BUNDLE_VERSION) return ['the manifest is of another version'];
  const listed = Array.isArray(fields['parts']) ? (fields['parts'] as unknown[]) : [];
  const problems: string[] = [];
  for (const [index, name] of PARTS.entries()) {
    const said = JSON.stringify(listed[index]);
    const { hash, rows, octets } = found.get(name) ?? EMPTY();
    const sha256 = hash.digest('hex');
    if (said === JSON.stringify({ part: name, rows, octets, sha256 })) continue;
    problems.push(`part ${name}: is not as the manifest has it`);
  }
  return problems;
}

const EMPTY = (): Part => ({ hash: createHash('sha256'), rows: 0, octets: 0 });
