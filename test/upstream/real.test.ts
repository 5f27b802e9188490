/** Upstreams in front of NSD: a server that nobody here wrote. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY_DO } from '../../src/upstream/inflight.ts';
import { readMessage } from '../support/message.ts';
import { lacks } from '../support/processes.ts';
import { type Server, startNsd } from '../support/servers.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';

const text = 'x'.repeat(200);
const ZONE = `$ORIGIN up.test.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
www AAAA 2001:db8::80
alias CNAME www
${Array.from({ length: 20 }, (_, i) => `big TXT "${i} ${text}"`).join('\n')}
`;

describe.skipIf(lacks('nsd'))('beside NSD', () => {
  let folder = '';
  let nsd: Server;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dnsvalve-up-'));
    writeFileSync(join(folder, 'up.test.zone'), ZONE);
    nsd = await startNsd({ 'up.test': join(folder, 'up.test.zone') });
  });

  afterAll(async () => {
    await nsd?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(BACKENDS)('answers of all kinds come through, over UDP and TCP (%s)', async (backend) => {
    const rig = await Rig.open(planOf([nsd]), backend);
    const ask = async (name: string, qtype: number, keyFlags = 0) => {
      const outcome = await rig.ask(name, qtype, keyFlags);
      if (outcome.kind === 'failure') throw new Error(`EDE ${outcome.ede}`);
      return readMessage(outcome.octets);
    };
    expect((await ask('www.up.test', 1)).answers.map(({ rdata }) => rdata)).toEqual(['c0000250']);
    expect((await ask('www.up.test', 28, KEY_DO)).answers.length).toBe(1);
    expect((await ask('alias.up.test', 1)).answers.length).toBe(2);
    expect(await ask('nowhere.up.test', 1)).toMatchObject({ rcode: 3, answers: [] });
    expect(await ask('www.up.test', 16)).toMatchObject({ rcode: 0, answers: [] });
    expect(rig.upstreams.stats()[0]?.tcp).toBe(0);
    expect((await ask('big.up.test', 16)).answers.length).toBe(20);
    expect(await ask('elsewhere.test', 1)).toMatchObject({ rcode: 5 });
    expect(rig.upstreams.stats()[0]).toMatchObject({ tcp: 1, mismatches: 0, strays: 0 });
    rig.close();
  });
});
