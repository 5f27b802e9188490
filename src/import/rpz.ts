/**
 * Response policy zones: read by the parser of the feeds, line by line accounted for. What it takes
 * is taken whole, local data included; what it leaves out is listed.
 */

import { parsePattern } from '../config/pattern.ts';
import type { Pattern } from '../config/types.ts';
import { Entries, SCOPE_BELOW } from '../reputation/entries.ts';
import { NO_TYPE, SAYS_ALLOW, SAYS_DATA, SAYS_DROP, SAYS_NODATA } from '../reputation/memory.ts';
import type { RejectKind } from '../reputation/rejects.ts';
import { parseRpz } from '../reputation/rpz.ts';
import { SourceText } from '../reputation/source-text.ts';
import { TYPE_A, TYPE_AAAA, TYPE_CNAME } from '../wire/constants.ts';
import type { WireName } from '../wire/name.ts';
import { nameToText } from '../wire/text.ts';
import { DENY, EXEMPT, importedList, type ListEntry } from './feed-entries.ts';
import { Gatherer } from './gather.ts';
import type { Imported, Importer } from './imported.ts';

const REASONS: Partial<Record<RejectKind, string>> = {
  name: 'no host name',
  address: 'an address, not a name',
  syntax: 'no record of a zone',
  'rpz-ip': 'a trigger on addresses of answers',
  'rpz-client-ip': 'a trigger on the client: that is a workload here',
  'rpz-nsip': 'a trigger on name servers',
  'rpz-nsdname': 'a trigger on name servers',
  'rpz-tcp-only': 'an action that is not served',
  'rpz-action': 'no action that is known',
  'rpz-type': 'a type of local data that is not served: the name gets NODATA',
  'rpz-data': 'local data that cannot be read: the name gets NODATA',
  'rpz-wildcard-target': 'a target that depends on the name asked for: the name is denied',
  'rpz-outside-zone': 'not below the zone',
};

interface Added {
  readonly name: string;
  readonly scope: number;
  readonly code: number;
  readonly line: number;
}

class NamedEntries extends Entries {
  readonly added: Added[] = [];
  text: SourceText | null = null;

  override add(name: WireName, scope: number, code: number): void {
    this.added.push({ name: nameToText(name.octets), scope, code, line: this.text?.line ?? 0 });
  }
}

class AccountedText extends SourceText {
  readonly #gatherer: Gatherer;

  constructor(octets: Uint8Array, entries: Entries, gatherer: Gatherer) {
    super(octets, entries);
    this.#gatherer = gatherer;
  }

  override reject(kind: RejectKind): void {
    const text = new TextDecoder().decode(this.octets.slice(this.from, this.to));
    this.#gatherer.lose(this.line, text, REASONS[kind] ?? kind);
  }
}

export const importRpz: Importer = (request): Imported => {
  const gatherer = new Gatherer();
  const entries = new NamedEntries();
  const text = new AccountedText(new TextEncoder().encode(request.text), entries, gatherer);
  entries.text = text;
  parseRpz(text);
  const list = entries.added.flatMap((added): ListEntry[] => {
    const pattern = patternOf(added);
    return pattern === null
      ? []
      : [{ pattern, action: actionOf(added.code, text), line: added.line }];
  });
  return importedList(list, request, gatherer);
};

/** What the reader of feeds takes for a name is one for the configuration too. */
function patternOf({ name, scope }: Added): Pattern | null {
  const pattern = parsePattern(scope === SCOPE_BELOW ? `*.${name}` : name);
  return typeof pattern === 'string' ? null : pattern;
}

function actionOf(code: number, { records }: SourceText): string {
  if (code === SAYS_ALLOW) return EXEMPT;
  if (code === SAYS_NODATA) return 'CNAME *.';
  if (code === SAYS_DROP) return 'CNAME rpz-drop.';
  const record = records[code - SAYS_DATA];
  if (record === undefined) return DENY;
  const { type, rdata } = record;
  if (type === TYPE_CNAME) return `CNAME ${nameToText(rdata)}.`;
  if (type === TYPE_A) return `A ${rdata.join('.')}`;
  if (type === NO_TYPE) return 'CNAME *.';
  // RFC 3597 5: the form that every type has.
  if (type !== TYPE_AAAA) return `TYPE${type} \\# ${rdata.length} ${hexOf(rdata)}`;
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((rdata[i * 2] ?? 0) << 8) | (rdata[i * 2 + 1] ?? 0)).toString(16),
  );
  return `AAAA ${groups.join(':')}`;
}

function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
