/**
 * Allowed endpoints of harden-runner: `host:port` between blanks, as such or in the workflow that
 * uses the action. `*.x` is any depth below `x` there as here; other wildcards match parts of
 * labels.
 */

import type { Pattern } from '../config/types.ts';
import { chosen, entriesOf, Gatherer } from './gather.ts';
import { type Imported, type Importer, NOBODY } from './imported.ts';
import {
  type ForeignDocument,
  listOf,
  mapOf,
  type Path,
  readDocuments,
  textOf,
} from './yaml-source.ts';

const ACTION = 'step-security/harden-runner';
const KNOWN_INPUTS = ['allowed-endpoints', 'egress-policy'];
/** What says nothing about names. */
const OTHER_INPUTS = [
  'disable-telemetry',
  'disable-sudo',
  'disable-sudo-and-containers',
  'disable-file-monitoring',
  'api-key',
  'use-policy-store',
  'token',
];
const OWN_NAMES =
  'the agent lets names of its own and of GitHub through that no list holds, such as ' +
  '*.actions.githubusercontent.com and agent.api.stepsecurity.io: allow what jobs still need';

interface Job {
  readonly name: string;
  readonly mode: 'enforce' | 'report';
  readonly allow: readonly Pattern[];
}

export const importHardenRunner: Importer = (request): Imported => {
  const gatherer = new Gatherer();
  const ports = new Map<string, number>();
  const jobs = /^\s*jobs\s*:/m.test(request.text)
    ? readWorkflow(request.text, gatherer, ports)
    : [
        {
          name: request.baseName,
          mode: 'enforce' as const,
          allow: readPlain(request.text, gatherer, ports),
        },
      ];
  const counts = [...ports].map(([port, count]) => `${port} (${count})`);
  if (counts.length > 0) {
    const why = 'a resolver sees names, not ports: close them in the network';
    gatherer.lose(0, `ports ${counts.join(', ')}`, why);
  }
  gatherer.notes.push(OWN_NAMES);
  return {
    workloads: chosen(jobs, request.workload).map(({ name, mode, allow }) => {
      return { name, owner: '', mode, allow: entriesOf(allow), deny: [], remarks: [] };
    }),
    everyone: NOBODY,
    feeds: [],
    lost: gatherer.lost,
    notes: gatherer.notes,
  };
};

/** One endpoint a word, on any number of lines; `#` begins a comment. */
function readPlain(text: string, gatherer: Gatherer, ports: Map<string, number>): Pattern[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const words = line.replace(/(^|\s)#.*$/, '').split(/\s+/);
    return words.flatMap((word) => endpointOf(word, i + 1, gatherer, ports) ?? []);
  });
}

function readWorkflow(text: string, gatherer: Gatherer, ports: Map<string, number>): Job[] {
  const [document] = readDocuments(text, 'workflow');
  const found: Job[] = [];
  if (document === undefined) return found;
  for (const [id, job] of Object.entries(mapOf(mapOf(document.value)['jobs']))) {
    for (const [i, step] of listOf(mapOf(job)['steps']).entries()) {
      if (!textOf(mapOf(step)['uses']).startsWith(`${ACTION}@`)) continue;
      const path = ['jobs', id, 'steps', i, 'with'];
      found.push(
        readStep(document, { path, id, inputs: mapOf(mapOf(step)['with']) }, gatherer, ports),
      );
    }
  }
  if (found.length === 0) gatherer.lose(0, 'the workflow', `no step of it uses ${ACTION}`);
  return found;
}

interface Step {
  readonly path: Path;
  readonly id: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

function readStep(
  document: ForeignDocument,
  { path, id, inputs }: Step,
  gatherer: Gatherer,
  ports: Map<string, number>,
): Job {
  for (const key of Object.keys(inputs)) {
    const place = document.lineOf([...path, key]);
    if (OTHER_INPUTS.includes(key)) gatherer.notes.push(`job ${id}: ${key} is not about names`);
    else if (!KNOWN_INPUTS.includes(key)) {
      gatherer.lose(place, `job ${id}: ${key}`, 'its names are kept elsewhere, or it is not known');
    }
  }
  const line = document.lineOf([...path, 'allowed-endpoints']);
  const words = textOf(inputs['allowed-endpoints']).replaceAll(/\$\{\{.*?\}\}/g, (expression) => {
    gatherer.lose(line, `job ${id}: ${expression}`, 'an expression: its value is not in the file');
    return ' ';
  });
  const allow = words.split(/\s+/).flatMap((word) => endpointOf(word, line, gatherer, ports) ?? []);
  const policy = textOf(inputs['egress-policy']);
  const mode = policy === 'audit' ? 'report' : 'enforce';
  return { name: gatherer.word(id, 'job'), mode, allow };
}

function endpointOf(
  word: string,
  line: number,
  gatherer: Gatherer,
  ports: Map<string, number>,
): Pattern | null {
  if (word === '') return null;
  // The agent takes what stands before the first colon for the name.
  const [host = '', port = '443'] = word.split(':');
  if (/\.internal\.?$/i.test(host)) {
    gatherer.lose(line, word, 'the agent asks for no name under `internal`, and so it is left out');
    return null;
  }
  const isWild = host.startsWith('*.');
  const pattern = gatherer.pattern(
    isWild ? 'below' : 'exact',
    host.slice(isWild ? 2 : 0),
    line,
    word,
  );
  if (pattern !== null) ports.set(port, (ports.get(port) ?? 0) + 1);
  return pattern;
}
