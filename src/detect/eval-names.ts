/**
 * How well spelling tells lists of names apart, one by one and by workload, with the model, the
 * sums and the thresholds of the data plane. For `detect eval` and for whoever trains; slow lane.
 *
 * A workload is imitated by names drawn from one family (or from the benign list), all of them
 * answered NXDOMAIN within the minute. On lists that the model was trained from, figures flatter.
 */

import { BURST_THRESHOLD, GENERATED_THRESHOLD } from '../config/limits.ts';
import { GENERATED_WORDS } from './generated-rows.ts';
import { addEvidence, isBurst, isGenerated } from './generated-sums.ts';
import { loadSpelling } from './load-models.ts';
import { createRows, Rows } from './rows.ts';
import { BIT, type Judgement, Spelling } from './spelling.ts';
import { SpellingModel } from './spelling-model.ts';
import { DomainReader } from './training/lists.ts';
import { mulberry32 } from './training/random.ts';

/** Distinct names that do not exist, within which a workload should be found. */
export const WITHIN = [5, 10, 20] as const;
const NAMES_PER_WINDOW = 20;
const BENIGN_WINDOWS = 100_000;
const FAMILY_WINDOWS = 400;

interface Judged extends Judgement {
  /** Bits, not cut. */
  readonly bits: number;
}

export interface FamilyReport {
  readonly family: string;
  readonly kind: string;
  readonly names: number;
  /** Share of its names above the score that 1 % and 0.1 % of the benign ones reach. */
  readonly atPercent: number;
  readonly atPermille: number;
  /** Share of its workloads found within each of WITHIN names. */
  readonly found: readonly number[];
}

export interface NamesReport {
  readonly benign: number;
  readonly percentBits: number;
  readonly permilleBits: number;
  /** Share of benign workloads found within each of WITHIN names: false alarms. */
  readonly falseAlarms: readonly number[];
  readonly families: readonly FamilyReport[];
}

/**
 * @param lines of tables `name label family kind`, tab-separated; label `benign` or anything else.
 *   Names without a registrable domain, and repeated domains, are left out.
 */
export function evaluateNames(lines: Iterable<string>, model = loadSpelling()): NamesReport {
  const spelling = new Spelling(new SpellingModel(model));
  const { benign, families } = judge(lines, spelling);
  const scores = benign.map(({ bits }) => bits).sort((a, b) => b - a);
  const percentBits = scores[Math.floor(scores.length / 100)] ?? Number.POSITIVE_INFINITY;
  const permilleBits = scores[Math.floor(scores.length / 1000)] ?? Number.POSITIVE_INFINITY;
  const windows = new Windows();
  const reports = [...families].map(([key, names]) => {
    const [family = '', kind = ''] = key.split('\t');
    const atPercent = shareOf(names, ({ bits }) => bits >= percentBits);
    const atPermille = shareOf(names, ({ bits }) => bits >= permilleBits);
    const found = windows.found(names, FAMILY_WINDOWS);
    return { family, kind, names: names.length, atPercent, atPermille, found };
  });
  const falseAlarms = windows.found(benign, BENIGN_WINDOWS);
  return { benign: benign.length, percentBits, permilleBits, falseAlarms, families: reports };
}

function judge(lines: Iterable<string>, spelling: Spelling) {
  const reader = new DomainReader();
  const benign: Judged[] = [];
  const families = new Map<string, Judged[]>();
  const known = new Set<string>();
  for (const line of lines) {
    const [text = '', label = '', family = '', kind = ''] = line.toLowerCase().split('\t');
    if (label === '' || !reader.read(text)) continue;
    const domain = text.split('.').slice(reader.label).join('.');
    if (known.has(domain)) continue;
    known.add(domain);
    spelling.judge(reader.name, reader.label);
    const { generated, wordy, suffixRarity, suffix, uncut } = spelling;
    const judged = { generated, wordy, suffixRarity, suffix, bits: uncut / BIT };
    if (label === 'benign') benign.push(judged);
    else listOf(families, `${family}\t${kind}`).push(judged);
  }
  return { benign, families };
}

function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}

function shareOf<T>(list: readonly T[], is: (item: T) => boolean): number {
  return list.filter(is).length / Math.max(list.length, 1);
}

/** Workloads that ask for names of one list. The draws are the same in every run. */
class Windows {
  readonly #rows = new Rows(createRows(1, GENERATED_WORDS), 1);
  readonly #random = mulberry32(1);

  found(list: readonly Judged[], windows: number): number[] {
    const counts = WITHIN.map(() => 0);
    for (let window = 0; window < windows && list.length > 0; window++) {
      const after = this.#foundAfter(list);
      WITHIN.forEach((within, at) => {
        if (after <= within) counts[at] = (counts[at] ?? 0) + 1;
      });
    }
    return counts.map((count) => count / windows);
  }

  /** Names after which the workload is found; more than any of WITHIN when it is not. */
  #foundAfter(list: readonly Judged[]): number {
    const rows = this.#rows;
    rows.words.fill(0);
    for (let count = 1; count <= NAMES_PER_WINDOW; count++) {
      const drawn = list[Math.floor(this.#random() * list.length)];
      if (drawn !== undefined) addEvidence(rows, 0, drawn);
      if (isGenerated(rows, 0, GENERATED_THRESHOLD.default)) return count;
      if (isBurst(rows, 0, BURST_THRESHOLD.default)) return count;
    }
    return NAMES_PER_WINDOW + 1;
  }
}

/** The report as lines for people. */
export function namesReportText(report: NamesReport): string[] {
  const share = (value: number) => value.toFixed(2).padStart(6);
  const rows = report.families.map(
    ({ family, kind, names, atPercent, atPermille, found }) =>
      `${family.padEnd(16)}${kind.padEnd(8)}${String(names).padStart(6)}` +
      `${share(atPercent)}${share(atPermille)}   ${found.map(share).join('')}`,
  );
  const kinds = [...new Set(report.families.map(({ kind }) => kind))].map((kind) => {
    const own = report.families.filter((family) => family.kind === kind);
    const found = WITHIN.map((_, at) => shareOf(own, (family) => (family.found[at] ?? 0) >= 0.5));
    return `${`families of kind ${kind}`.padEnd(45)}${found.map(share).join('')}`;
  });
  return [
    `benign ${report.benign} names: 1 % reach ${report.percentBits.toFixed(1)} bits,` +
      ` 0.1 % ${report.permilleBits.toFixed(1)}; workloads found within ${WITHIN.join(', ')}` +
      ` names: ${report.falseAlarms.map((value) => value.toExponential(1)).join(', ')}`,
    `family          kind     names   1 % 0.1 %   within ${WITHIN.join(', ')} names`,
    ...rows,
    ...kinds,
  ];
}
