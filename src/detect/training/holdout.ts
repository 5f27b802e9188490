/**
 * What the model is worth on what it was not trained from: each family (or kind) is judged by one
 * that was trained without it, and the benign names by one trained on the other four fifths.
 *
 *   node src/detect/training/holdout.ts --benign FILE... --generated FILE... --words FILE...
 *
 * The files are those of generated.ts; a fourth field of the generated ones is the kind. Written to
 * the standard output: by family, by kind, and the same for `seen` names of known families.
 */

import { evaluateNames, namesReportText } from '../eval-names.ts';
import { hashOctets, SEED } from '../spelling-model.ts';
import { readLists } from './generated.ts';
import { type Domain, DomainReader } from './lists.ts';
import { train } from './train.ts';

/** One label in five is kept for judging, whatever its suffix. */
function isKept({ label }: Domain): boolean {
  return (hashOctets(Buffer.from(label), 0, label.length, SEED) >>> 0) % 5 === 0;
}

function main(args: string[]): void {
  const reader = new DomainReader();
  const lists = readLists(args, reader);
  const kept = lists.benign.filter(isKept);
  const train4 = (generated: readonly Domain[]) =>
    train({ ...lists, benign: lists.benign.filter((d) => !isKept(d)), generated }, reader);
  const benign = kept.map(({ domain }) => `${domain}\tbenign`);
  const say = (title: string, model: Uint8Array, judged: readonly Domain[]) => {
    const lines = judged.map(({ domain, family, kind }) => `${domain}\tdga\t${family}\t${kind}`);
    process.stdout.write(`${title}\n`);
    for (const line of namesReportText(evaluateNames([...benign, ...lines], model))) {
      process.stdout.write(`  ${line}\n`);
    }
  };
  const { generated } = lists;
  say(
    'seen families, unseen names',
    train4(generated.filter((d) => !isKept(d))),
    generated.filter(isKept),
  );
  for (const by of ['family', 'kind'] as const) {
    for (const [value, own] of Map.groupBy(generated, (domain) => domain[by])) {
      say(
        `trained without the ${by} ${value}`,
        train4(generated.filter((d) => d[by] !== value)),
        own,
      );
    }
  }
}

if (import.meta.main) main(process.argv.slice(2));
