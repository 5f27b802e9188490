/**
 * World: the tables that a recording is replayed through, compiled as the daemon compiles them.
 *
 * Without a configuration of the user's own, every client of the recording is a workload by itself.
 * With one, who a client is follows from its address, as in the daemon.
 */

import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import type { Config, Prefix, Workload } from '../../config/types.ts';
import { DnsvalveError } from '../../errors.ts';
import { addressToBytes, addressToText } from '../../native/addresses.ts';
import { withoutLimits } from '../../overload/compile.ts';
import { FeedSet } from '../../reputation/refresh.ts';
import { compileSnapshot, type Snapshot } from '../../server/snapshot.ts';
import { Tables } from '../../tables.ts';
import { setHashKey } from '../../wire/hash.ts';
import { compileDetect } from '../compile.ts';
import type { Timeline } from './sample.ts';

const BASE = join(import.meta.dirname, 'base.yaml');
/** Any key does: the tables live as long as the command. */
const HASH_KEY = { k0: 1, k1: 2 };
const ADDRESS_SIZE = 16;
/** Clients are numbered from 10.0.0.1 on. */
const CLIENTS_MAX = 1 << 22;
const NETWORK = 10 << 24;

/** Settings that the command line puts in place of the configuration's. */
export interface Overrides {
  readonly threshold: number | null;
  readonly action: 'alert' | 'deny' | null;
}

/** Addresses of the clients of one timeline. */
export type Addresses = ReadonlyMap<string, Uint8Array>;

export class World {
  readonly config: Config;
  readonly #snapshot: Snapshot;
  readonly #addresses: ReadonlyMap<string, Addresses>;

  private constructor(config: Config, snapshot: Snapshot, clients: ReadonlyMap<string, Addresses>) {
    this.config = config;
    this.#snapshot = snapshot;
    this.#addresses = clients;
  }

  /**
   * @param path a configuration, or null: each client of a timeline is a workload
   * @throws DnsvalveError with all that is wrong in the configuration
   */
  static async compile(timelines: readonly Timeline[], path: string | null): Promise<World> {
    setHashKey(HASH_KEY.k0, HASH_KEY.k1);
    const loaded = loadConfig(path ?? BASE);
    const addresses = addressesOf(timelines, path === null ? numbered() : recorded);
    const config = path === null ? withWorkloads(loaded, addresses) : loaded;
    const { stateDirectory } = config;
    const options = { stateDirectory, hashKey: HASH_KEY, compilesHere: true };
    const feeds = new FeedSet(config.feeds, options);
    try {
      // A recording is replayed as it was, however fast.
      const free = withoutLimits(config);
      const snapshot = await compileSnapshot(free, 1, (rules) => feeds.compile(rules));
      return new World(config, snapshot, addresses);
    } finally {
      await feeds.stop();
    }
  }

  /** Where the queries of a timeline come from, by client. */
  addresses(timeline: Timeline): Addresses {
    return this.#addresses.get(keyOf(timeline)) ?? new Map();
  }

  /** The same policy with other settings of the detectors. */
  tables(overrides: Overrides): Tables {
    const detect = compileDetect(overridden(this.config, overrides));
    return new Tables({ ...this.#snapshot.memory, detect });
  }
}

/** Timelines made of another have its clients too. */
function keyOf({ source, session }: Timeline): string {
  return `${source}\t${session}`;
}

function addressesOf(
  timelines: readonly Timeline[],
  addressOf: (client: string) => Uint8Array,
): Map<string, Addresses> {
  const all = new Map<string, Map<string, Uint8Array>>();
  for (const timeline of timelines) {
    const addresses = all.get(keyOf(timeline)) ?? new Map<string, Uint8Array>();
    all.set(keyOf(timeline), addresses);
    for (const { client } of timeline.samples) {
      if (!addresses.has(client)) addresses.set(client, addressOf(client));
    }
  }
  return all;
}

/** An address of its own for each client, whatever the recording calls it. */
function numbered(): () => Uint8Array {
  let count = 0;
  return () => {
    if (++count > CLIENTS_MAX) throw new DnsvalveError('USAGE', `more than ${CLIENTS_MAX} clients`);
    const address = new Uint8Array(ADDRESS_SIZE).fill(0xff, 10);
    new DataView(address.buffer).setInt32(12, NETWORK | count);
    return address;
  };
}

/** The address that a client's name ends in, as in `site-a/192.0.2.7`. */
function recorded(client: string): Uint8Array {
  const address = new Uint8Array(ADDRESS_SIZE);
  const text = client.slice(client.lastIndexOf('/') + 1);
  if (addressToBytes(text, address, 0)) return address;
  const why = 'with --config, a client is or ends in an address';
  throw new DnsvalveError('USAGE', `client "${client}": ${why}`);
}

/** A copy of the template's only workload for each client. */
function withWorkloads(base: Config, addresses: ReadonlyMap<string, Addresses>): Config {
  const [template] = base.workloads;
  if (template === undefined) throw new DnsvalveError('SYSTEM', `${BASE}: no workload`);
  const workloads: Workload[] = [];
  for (const bytes of [...addresses.values()].flatMap((clients) => [...clients.values()])) {
    const text = addressToText(bytes, 0);
    const source: Prefix = { bytes, length: 128, text, at: template.at };
    workloads.push({ ...template, name: `client-${workloads.length + 1}`, sources: [source] });
  }
  return { ...base, workloads };
}

function overridden(config: Config, { threshold, action }: Overrides): Config {
  const main = { ...config.detect.tunnel };
  const tunnel = {
    ...main,
    threshold: threshold ?? main.threshold,
    action: action ?? main.action,
  };
  const workloads = config.workloads.map((workload) => {
    const own = workload.detect.tunnel;
    const changed = {
      ...own,
      threshold: threshold === null ? own.threshold : null,
      action: action === null ? own.action : null,
    };
    return { ...workload, detect: { ...workload.detect, tunnel: changed } };
  });
  return { ...config, detect: { ...config.detect, tunnel }, workloads };
}
