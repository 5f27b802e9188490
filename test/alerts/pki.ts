/** Certificates for tests, made by openssl: an authority, servers and clients, all on disk. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TlsIdentity } from '../../src/alerts/sinks/tls.ts';
import type { SecretRef } from '../../src/config/sink-types.ts';

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'dnsvalve-pki-'));
  readonly ca = join(this.folder, 'ca.pem');
  readonly #key = join(this.folder, 'ca.key');

  constructor() {
    const subject = ['-subj', '/CN=dnsvalve test authority', '-days', '2'];
    openssl('req', '-x509', ...EC, ...subject, '-keyout', this.#key, '-out', this.ca);
  }

  /**
   * A certificate with `names` as subjectAltName (`DNS:siem.example,IP:127.0.0.1`), or with none
   * for an empty text; over already when `days` is under 0.
   */
  issue(file: string, names: string, days = 2): { readonly cert: string; readonly key: string } {
    const [cert, key] = [join(this.folder, `${file}.pem`), join(this.folder, `${file}.key`)];
    const [request, extensions] = [join(this.folder, 'csr'), join(this.folder, 'ext')];
    const alternative = names === '' ? '' : `subjectAltName=${names}\n`;
    writeFileSync(extensions, `${alternative}basicConstraints=CA:FALSE\n`);
    openssl('req', '-new', ...EC, '-subj', `/CN=${file}`, '-keyout', key, '-out', request);
    const by = ['-CA', this.ca, '-CAkey', this.#key, '-CAcreateserial', '-days', String(days)];
    openssl('x509', '-req', '-in', request, ...by, '-extfile', extensions, '-out', cert);
    return { cert, key };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** TLS of a sink that trusts the authority and shows `client`. */
export function tlsOf(
  { ca }: Authority,
  client: { readonly cert: string; readonly key: string },
): { readonly peer: string; readonly identity: TlsIdentity } {
  const file = (path: string): SecretRef => ({ kind: 'file', path });
  const refs = { ca: file(ca), cert: file(client.cert), key: file(client.key) };
  return { peer: 'siem.example', identity: new TlsIdentity(refs) };
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', [...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}
