/**
 * `dnsvalve query NAME [TYPE]`: asks the running resolver like dig, as any workload that this
 * machine can speak for, and says why where it was denied.
 */

import { randomInt } from 'node:crypto';
import { domainToASCII } from 'node:url';
import type { Command } from 'commander';
import type { SocketAddress } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import type { CliContext } from './context.ts';
import type { Question } from './query-message.ts';

const DEFAULT_CONFIG = '/etc/dnsvalve/dnsvalve.yaml';

interface QueryOptions {
  readonly config: string;
  readonly server?: string;
  readonly as?: string;
  readonly source?: string;
  readonly tcp?: boolean;
  readonly dnssec?: boolean;
  readonly short?: boolean;
  readonly json?: boolean;
}

/** Who asked whom. */
export interface Asked {
  readonly server: SocketAddress;
  /** Workload that was asked for; null when none was. */
  readonly workload: string | null;
  /** Address that was bound; null for the system's choice. */
  readonly source: string | null;
}

export function register(program: Command, context: CliContext): void {
  program
    .command('query')
    .description('ask the resolver, as a workload that this machine can speak for')
    .argument('<name>', 'domain name')
    .argument('[type]', 'query type', 'A')
    .option(
      '--server <address>',
      'server and port (default: the first one the configuration names)',
    )
    .option('--as <workload>', 'ask from an address of this workload, or (unmapped)')
    .option('--source <address>', 'ask from this address')
    .option('--tcp', 'over TCP from the start')
    .option('--dnssec', 'with DNSSEC records')
    .option('--short', 'only the data of the answers')
    .option('--json', 'as one JSON document')
    .option(
      '-c, --config <file>',
      'configuration with the server and the workloads',
      DEFAULT_CONFIG,
    )
    .action((name: string, type: string, options: QueryOptions) =>
      run({ name, type }, options, context),
    );
}

async function run(
  text: { readonly name: string; readonly type: string },
  options: QueryOptions,
  context: CliContext,
): Promise<void> {
  const question = await questionOf(text.name, text.type, options.dnssec === true);
  const asked = await askedOf(options);
  const { buildQuery, readResponse } = await import('./query-message.ts');
  const { exchange } = await import('./query-exchange.ts');
  const { errorText, responseJson, responseText, shortText } = await import('./query-text.ts');
  const query = buildQuery(randomInt(2 ** 16), question);
  const got = await exchange(asked, query, options.tcp === true ? 'TCP' : 'UDP');
  const response = readResponse(query, got.octets);
  if (options.json === true) {
    context.stdout.write(responseJson(asked, got, response));
  } else if (options.short === true) {
    context.stdout.write(shortText(response));
    const errors = response.errors.map((error) => `${response.rcode}: ${errorText(error)}\n`);
    context.stderr.write(errors.join(''));
  } else {
    context.stdout.write(responseText(asked, got, response));
  }
  if (response.denied) context.setExitCode(1);
}

async function questionOf(name: string, typeText: string, dnssec: boolean): Promise<Question> {
  const { nameToWire, typeFromText } = await import('../wire/text.ts');
  const type = typeFromText(typeText);
  if (type === null) {
    throw new DnsvalveError('USAGE', `type "${typeText}": a mnemonic such as A, or TYPE65280`);
  }
  return { name: nameToWire(asciiName(name)), type, dnssec };
}

/**
 * A name with letters beyond ASCII as A-labels, as the policy has it; other names stay as typed.
 */
function asciiName(name: string): string {
  return /^[\x00-\x7f]*$/.test(name) ? name : domainToASCII(name) || name;
}

async function askedOf({ as, source, server, config: path }: QueryOptions): Promise<Asked> {
  if (as !== undefined && source !== undefined) {
    throw new DnsvalveError('USAGE', '--as and --source: give one of them');
  }
  const { canonicalAddress, localServers, speakerFor } = await import('./query-source.ts');
  const config = server === undefined || as !== undefined ? await loaded(path) : null;
  const servers =
    server === undefined
      ? localServers((config?.listen ?? []).filter(({ encrypted }) => encrypted === undefined))
      : [await serverOf(server)];
  if (as !== undefined && config !== null) {
    return { ...speakerFor(config, as, servers), workload: as };
  }
  const address = source === undefined ? null : canonicalAddress(source);
  if (source !== undefined && address === null) {
    throw new DnsvalveError('USAGE', `source "${source}": give an IPv4 or IPv6 address`);
  }
  const family = address === null ? null : address.includes(':') ? 6 : 4;
  const found = servers.find((candidate) => family === null || candidate.family === family);
  if (found === undefined) {
    throw new DnsvalveError('USAGE', `source ${address}: there is no server of its family to ask`);
  }
  return { server: found, workload: null, source: address };
}

async function loaded(path: string) {
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig(path);
}

async function serverOf(text: string): Promise<SocketAddress> {
  const { parseSocketAddress } = await import('../config/prefix.ts');
  const { DNS_PORT } = await import('../config/limits.ts');
  const server = parseSocketAddress(text, DNS_PORT);
  if (typeof server === 'string') throw new DnsvalveError('USAGE', `--server: ${server}`);
  return server;
}
