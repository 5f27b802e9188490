/**
 * Files in, one frozen Config out, or every problem at once. The only door of this folder: nothing
 * else of the program sees YAML, zod or a relative path.
 */

import { availableParallelism } from 'node:os';
import { type Problem, ProblemsError } from '../errors.ts';
import { nameToWire } from '../wire/text.ts';
import { sinkReferences } from './alerts.ts';
import { referenceProblems } from './check.ts';
import { exceptionReferences } from './exceptions-schema.ts';
import { unknownKey } from './issues.ts';
import { DNS_PORT, WORKERS } from './limits.ts';
import { type MainSettings, mainSettings } from './main-file.ts';
import { parseSocketAddress } from './prefix.ts';
import { RESOLV_CONF, systemServers } from './resolvconf.ts';
import { mainShape, sharedShape } from './schema.ts';
import { Sections, type UpstreamInput } from './sections.ts';
import {
  includedPaths,
  NO_SUCH_FILE,
  readSource,
  type Source,
  shownPath,
  type Texts,
  wholeFile,
} from './source.ts';
import type { Config, ForwardRule, Place, Upstream } from './types.ts';
import { parseServer, type UpstreamServer } from './upstream-server.ts';

export interface LoadOptions {
  /** Servers that replace `upstreams.default.servers`, as on the command line. */
  readonly upstream?: readonly string[];
  /** Addresses that replace `listen`. */
  readonly listen?: readonly string[];
  /** Where `servers: system` looks; /etc/resolv.conf when not given. */
  readonly resolvConf?: string;
  /** Read in place of files. */
  readonly texts?: Texts;
}

/** The upstream that `.` goes to when `forward` does not say. */
const DEFAULT_UPSTREAM = 'default';

/**
 * Reads `path` and what it includes.
 *
 * @throws ProblemsError CONFIG with all problems of all files; nothing else
 */
export function loadConfig(path: string, options: LoadOptions = {}): Config {
  const problems: Problem[] = [];
  const main = readMain(path, problems, options.texts);
  reportUnknownKeys(main, [...Object.keys(mainShape), ...Object.keys(sharedShape)], problems);
  const settings = mainSettings(main, problems);
  const sections = new Sections(problems);
  sections.add(main);
  const files = [path];
  const digests = [main.sha256];
  for (const included of includedPaths(main, settings.include, problems)) {
    const source = readSource(included, shownPath(included), problems, options.texts);
    files.push(shownPath(included));
    if (source === null) continue;
    digests.push(source.sha256);
    reportUnknownKeys(source, Object.keys(sharedShape), problems);
    sections.add(source);
  }
  const overrides = {
    listen: given('--listen', options.listen, problems, (text) =>
      parseSocketAddress(text, DNS_PORT),
    ),
    upstream: given('--upstream', options.upstream, problems, parseServer),
  };
  applyDefaults(main, sections, overrides.upstream);
  const { bundles, upstreams, workloads } = sections;
  const known = {
    bundle: bundles,
    upstream: upstreams,
    workload: workloads,
    person: new Map(settings.people.map((person) => [person.name, person])),
    env: new Map([...workloads.values()].map((workload) => [workload?.env ?? '', workload])),
  };
  const references = [
    ...sections.references,
    ...sinkReferences(main),
    ...exceptionReferences(main),
  ];
  problems.push(...referenceProblems(references, known));
  if (problems.length > 0) throw refusal(problems, files);
  const listen = overrides.listen ?? settings.listen;
  const resolvConf = options.resolvConf ?? RESOLV_CONF;
  return freeze(assemble({ ...settings, listen }, sections, { files, digests, resolvConf }));
}

/** All problems from top to bottom, as a person works through them; no file of its own is first. */
function refusal(problems: readonly Problem[], files: readonly string[]): ProblemsError {
  const order = new Map(files.map((file, i) => [file, i]));
  const fileIndex = (problem: Problem): number => order.get(problem.file) ?? -1;
  const sorted = problems.toSorted(
    (a, b) => fileIndex(a) - fileIndex(b) || a.line - b.line || a.col - b.col,
  );
  const safe = sorted.map((problem) => ({
    ...problem,
    file: printable(problem.file),
    path: printable(problem.path),
    message: printable(problem.message),
  }));
  return new ProblemsError('CONFIG', safe);
}

/** Messages repeat what a file says; control and direction characters stay out of terminals. */
function printable(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function readMain(path: string, problems: Problem[], texts?: Texts): Source {
  const source = readSource(path, path, problems, texts);
  if (source !== null) return source;
  if (problems[0]?.message !== NO_SUCH_FILE) throw refusal(problems, [path]);
  const how = 'write one, or name another with `dnsvalve serve --config FILE`';
  throw refusal([wholeFile(path, `${NO_SUCH_FILE}; ${how}`)], [path]);
}

function reportUnknownKeys(source: Source, known: readonly string[], problems: Problem[]): void {
  for (const key of Object.keys(source.value)) {
    if (known.includes(key)) continue;
    const message = Object.hasOwn(mainShape, key)
      ? 'only the main file has this key; move it there'
      : unknownKey(key, known);
    problems.push(source.document.problem(source.document.keyAt([key]), [key], message));
  }
}

/** Values of a repeatable option, or null when it was not given. */
function given<T extends object>(
  option: string,
  texts: readonly string[] | undefined,
  problems: Problem[],
  parse: (text: string) => T | string,
): T[] | null {
  if (texts === undefined || texts.length === 0) return null;
  return texts.flatMap((text) => {
    const value = parse(text);
    if (typeof value !== 'string') return [value];
    problems.push(wholeFile(option, value));
    return [];
  });
}

function defaultUpstream(at: Place): UpstreamInput {
  return { name: DEFAULT_UPSTREAM, servers: 'system', hedge: true, at };
}

/** What a file need not say: the upstream `default`, and that `.` goes to it. */
function applyDefaults(
  main: Source,
  sections: Sections,
  servers: readonly UpstreamServer[] | null,
): void {
  const at: Place = main.document.at([]);
  if (servers !== null) {
    const before = sections.upstreams.get(DEFAULT_UPSTREAM) ?? defaultUpstream(at);
    sections.upstreams.set(DEFAULT_UPSTREAM, { ...before, servers });
  } else if (sections.upstreams.size === 0) {
    sections.upstreams.set(DEFAULT_UPSTREAM, defaultUpstream(at));
  }
  const upstream = sections.upstreams.get(DEFAULT_UPSTREAM);
  if (upstream !== undefined && !sections.forward.has('.')) {
    const root: ForwardRule = {
      suffix: '.',
      wire: nameToWire('.'),
      upstream: DEFAULT_UPSTREAM,
      internal: false,
      at: upstream?.at ?? at,
    };
    sections.forward.set('.', root);
  }
}

function assemble(
  settings: MainSettings,
  sections: Sections,
  origin: { files: readonly string[]; digests: readonly string[]; resolvConf: string },
): Config {
  const { include: _, workers, ...rest } = settings;
  const upstreams = valid(sections.upstreams).map(
    ({ servers, ...upstream }): Upstream => ({
      ...upstream,
      servers: servers === 'system' ? systemServers(origin.resolvConf, settings.listen) : servers,
    }),
  );
  return {
    ...rest,
    files: origin.files,
    fileDigests: origin.digests,
    workers: workers === 'auto' ? Math.min(availableParallelism(), WORKERS.max) : workers,
    upstreams,
    forward: valid(sections.forward),
    zones: valid(sections.zones),
    feeds: valid(sections.feeds),
    bundles: valid(sections.bundles),
    everyone: { allow: sections.allow, deny: sections.deny },
    workloads: valid(sections.workloads),
  };
}

function valid<T>(items: ReadonlyMap<string, T | null>): T[] {
  return [...items.values()].filter((item) => item !== null);
}

/** Freezes all but the octets, which typed arrays do not allow. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) freeze(child);
  return value;
}
