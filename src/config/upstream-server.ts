/**
 * Servers of an upstream as they are written: an address for plain DNS, `tls://` for DNS over TLS
 * (RFC 7858) and `https://` for DNS over HTTPS (RFC 8484). No name is ever looked up: a resolver
 * that must ask itself for its own server would wait for ever, and whoever else it asked would
 * decide where all questions go.
 */

import { isIP } from 'node:net';
import { DNS_PORT, DOT_PORT, HTTPS_PORT } from './limits.ts';
import { parseName } from './pattern.ts';
import { parseSocketAddress } from './prefix.ts';
import type { SecretRef } from './sink-types.ts';
import type { SocketAddress } from './types.ts';

/** What an encrypted transport takes beyond the address. */
export interface SecureServer {
  readonly transport: 'tls' | 'https';
  /** Name or address that the certificate must be for. */
  readonly peer: string;
  /** https: where questions are posted; null for tls. */
  readonly url: string | null;
  /** SHA-256 of public keys (SPKI) in base64, of which the certificate must hold one; or none. */
  readonly pins: readonly string[];
  /** Who may vouch for the certificate; null: the authorities that Node brings. */
  readonly ca: SecretRef | null;
}

/** Without `secure`: plain DNS over UDP and TCP. */
export interface UpstreamServer extends SocketAddress {
  readonly secure?: SecureServer;
}

/** What the text of a server says; the address of an `https://` name stands beside it. */
export type ServerPlace =
  | { readonly transport: 'plain'; readonly address: SocketAddress }
  | { readonly transport: 'tls'; readonly address: SocketAddress; readonly peer: string }
  | {
      readonly transport: 'https';
      readonly address: SocketAddress | null;
      readonly peer: string;
      readonly port: number;
      readonly url: string;
    };

const TLS_FORMS = '"tls://192.0.2.3#dns.example" and "tls://192.0.2.3:853"';
const HTTPS_FORM = '{ server: "https://dns.example/dns-query", address: 192.0.2.3 }';

/** What `text` says, or the problem with it. */
export function parseServerPlace(text: string): ServerPlace | string {
  if (text.startsWith('tls://')) return tlsPlace(text);
  if (text.startsWith('https://')) return httpsPlace(text);
  if (/^[a-z0-9+.-]+:\/\//i.test(text)) {
    const forms = '"192.0.2.1", "tls://192.0.2.3#dns.example" and "https://192.0.2.3/dns-query"';
    return `"${text}" is no server; accepted are ${forms}`;
  }
  const address = serverAddress(text, DNS_PORT, text);
  return typeof address === 'string' ? address : { transport: 'plain', address };
}

/** The server that is written as one text, or the problem with it. */
export function parseServer(text: string): UpstreamServer | string {
  const place = parseServerPlace(text);
  return typeof place === 'string' ? place : completeServer(place, {});
}

export interface ServerExtras {
  readonly address?: SocketAddress | undefined;
  readonly pins?: readonly string[] | undefined;
  readonly ca?: SecretRef | undefined;
}

/** The server with what stands beside its text, or the problem with the two together. */
export function completeServer(place: ServerPlace, extras: ServerExtras): UpstreamServer | string {
  const { pins = [], ca = null } = extras;
  if (place.transport === 'plain') return place.address;
  const { transport, peer } = place;
  if (transport === 'tls') {
    return { ...place.address, secure: { transport, peer, url: null, pins, ca } };
  }
  const address = extras.address ?? place.address;
  if (address === null) {
    const why = 'its name would have to be looked up, and by whom?';
    return `"${place.url}" needs an address, for ${why} Write ${HTTPS_FORM}`;
  }
  const { url, port } = place;
  return { ...address, port, secure: { transport, peer, url, pins, ca } };
}

function serverAddress(text: string, port: number, whole: string): SocketAddress | string {
  const address = parseSocketAddress(text, port);
  if (typeof address !== 'string' && /^(0\.0\.0\.0|::)$/.test(address.address)) {
    return `"${whole}" is no server's address`;
  }
  return address;
}

function tlsPlace(text: string): ServerPlace | string {
  const [place = '', ...behind] = text.slice('tls://'.length).split('#');
  const address = serverAddress(place, DOT_PORT, text);
  if (typeof address === 'string') {
    return `"${text}" has no address behind "//"; accepted are ${TLS_FORMS}`;
  }
  if (behind.length === 0) return { transport: 'tls', address, peer: address.address };
  const name = behind.join('#');
  const parsed = parseName(name);
  if (typeof parsed === 'string') return `"${text}": the name behind "#": ${parsed}`;
  return { transport: 'tls', address, peer: name };
}

function httpsPlace(text: string): ServerPlace | string {
  if (text.includes('{')) return `"${text}" is a template; leave out what stands in braces`;
  if (!URL.canParse(text)) return `"${text}" is no URL; accepted is "https://HOST/PATH"`;
  const { username, password, hash, hostname, port, href, pathname } = new URL(text);
  if (username !== '' || password !== '')
    return 'a URL with a password in it; nothing would use it';
  if (hash !== '') return `"${text}" has a "#"; the name is the URL's own`;
  if (pathname === '/') return `"${text}" has no path; most servers have "/dns-query"`;
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  const rest = {
    transport: 'https',
    port: port === '' ? HTTPS_PORT : Number(port),
    url: href,
  } as const;
  if (isIP(bare) === 0) {
    const name = parseName(bare);
    if (typeof name === 'string') return `"${text}": ${name}`;
    return { ...rest, address: null, peer: bare };
  }
  const address = serverAddress(bare, rest.port, text);
  return typeof address === 'string' ? address : { ...rest, address, peer: address.address };
}

/** The hash of a pin in base64, or the problem with `text`. */
export function parsePin(text: string): { readonly sha256: string } | string {
  const sha256 = /^sha256\/([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1];
  if (sha256 !== undefined) return { sha256 };
  return `"${text.slice(0, 80)}" is no pin; accepted is "sha256/" and 44 characters of base64`;
}
