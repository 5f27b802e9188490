/** The registrable domain of a name, as the history would have it. */

import { isSharedSuffix } from '../../../src/config/pattern.ts';
import { nameLabels, nameToWire } from '../../../src/wire/text.ts';

export function registrableOf(name: string): string {
  const labels = nameLabels(nameToWire(name));
  for (const at of labels.keys()) {
    const above = labels.slice(at + 1).join('.');
    if (above === '' || isSharedSuffix(above)) return labels.slice(at).join('.');
    if (labels.length - at === 2) return labels.slice(at).join('.');
  }
  return name;
}
