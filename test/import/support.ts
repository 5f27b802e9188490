/** Imports a text as the command does, loads the YAML as the daemon does, and asks the engine. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import type { Config, Feed } from '../../src/config/types.ts';
import { compileIdentity } from '../../src/identity/compile.ts';
import { Workloads } from '../../src/identity/workloads.ts';
import { IMPORTERS } from '../../src/import/formats.ts';
import type { Imported, ImportRequest } from '../../src/import/imported.ts';
import { lossText, writeYaml } from '../../src/import/write.ts';
import { InForce as InPlace } from '../../src/overrides/in-force.ts';
import { noOverrides } from '../../src/overrides/memory.ts';
import { authorize, type PolicyView, ZONE_NONE } from '../../src/policy/authorize.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { Decision } from '../../src/policy/decision.ts';
import { Rules } from '../../src/policy/rules.ts';
import { Policy } from '../../src/policy/suffixes.ts';
import { buildReputation } from '../../src/reputation/compile.ts';
import { Reputation } from '../../src/reputation/vet.ts';
import { TYPE_A } from '../../src/wire/constants.ts';
import { UNSCORED, wireName } from '../policy/support.ts';

const SERVERS = 'upstreams: { default: { servers: [192.0.2.53] } }\n';
const ANYBODY = 'workloads: { anybody: { sources: [10.0.0.0/8], mode: open } }\n';

type Options = Partial<Omit<ImportRequest, 'text'>>;

export function imported(format: string, text: string, options: Options = {}): Imported {
  const importer = IMPORTERS[format];
  if (importer === undefined) throw new Error(`no format ${format}`);
  const request = { baseName: 'list', workload: null, as: null, widen: false, ...options };
  return importer({ text, ...request });
}

export function losses({ lost }: Imported): string[] {
  return lost.map(lossText);
}

/**
 * What was imported, in force: read as the daemon reads it, and decided by its engine. Only what the
 * imported lists have a part in is compiled, for a whole snapshot takes twenty times as long.
 */
export class InForce {
  readonly #tables: PolicyView;
  readonly #decision = new Decision();

  /** @param mode in place of `enforce`, so that only denies are seen */
  constructor(policy: Imported, mode = 'enforce') {
    const yaml = writeYaml(policy, 'a test').replaceAll('mode: enforce', `mode: ${mode}`);
    const config = loaded(SERVERS + (policy.workloads.length === 0 ? ANYBODY : '') + yaml);
    const rules = new Rules();
    const inputs = config.feeds.map((feed) => ({ feed, octets: octetsOf(feed) }));
    this.#tables = {
      policy: new Policy(compilePolicy(config, rules)),
      workloads: new Workloads(compileIdentity(config).workloads),
      reputation: new Reputation(buildReputation(inputs, rules).memory),
      standing: UNSCORED,
      overrides: new InPlace(noOverrides()),
    };
  }

  allows(name: string, workload = 1): boolean {
    authorize(wireName(name), TYPE_A, workload, this.#tables, ZONE_NONE, this.#decision);
    return this.#decision.allowed === 1;
  }
}

function loaded(yaml: string): Config {
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-import-'));
  try {
    writeFileSync(join(directory, 'main.yaml'), yaml);
    return loadConfig(join(directory, 'main.yaml'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function octetsOf({ source }: Feed): Uint8Array {
  if (source.kind !== 'inline') throw new Error('an imported feed is inline');
  return new TextEncoder().encode(source.entries.join('\n'));
}

/** Patterns' names and what is asked for come from few labels, so that they meet. */
export const LABELS = ['a', 'b', 'xa', 'www'] as const;
export const NAMES: readonly string[] = ['p.example', 'q.example', 'example.org'].flatMap(
  (base) => {
    const below = LABELS.map((label) => `${label}.${base}`);
    const deeper = LABELS.flatMap((label) => below.map((name) => `${label}.${name}`));
    return [base, `x${base}`, ...below, ...deeper];
  },
);
