/** What a running resolver writes to its audit log. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../src/audit/record.ts';
import { checkAudit } from '../../src/audit/verify.ts';
import { loadAddon } from '../../src/native/addon.ts';
import { Valve } from '../support/valve.ts';

const CONFIG = `upstreams: { default: { servers: [ 192.0.2.1 ] } }
workloads:
  pay: { sources: [ 127.0.0.0/8 ], allow: [ .example.com ] }
`;

describe('the audit log of a resolver', () => {
  it('tells of its start, of reloads with who and what, and of its stop', async () => {
    const valve = await Valve.start({ config: CONFIG });
    expect((await valve.command('reload', ...valve.control)).status).toBe(0);
    valve.configure('workloads: 7\n');
    expect((await valve.command('reload', ...valve.control)).status).toBe(2);
    expect(await valve.program.stop()).toBe(0);
    const path = join(valve.folder, 'state', 'audit.jsonl');
    const records: AuditRecord[] = [];
    const onRecord = (record: AuditRecord): unknown => records.push(record);
    expect(checkAudit(path, { digest: null, onRecord }).findings).toEqual([]);
    expect(records.map(({ act }) => act)).toEqual(['start', 'reload', 'reload', 'stop']);
    const [start, reloaded, refused, stop] = records;
    const uid = loadAddon().addon === null ? null : process.getuid?.();
    expect(start?.by).toMatchObject({ via: 'process', uid: process.getuid?.() });
    expect(reloaded?.by).toMatchObject({ via: 'control', uid });
    const policy = { revision: 1, configuration: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(reloaded?.details).toEqual({
      before: policy,
      after: { ...policy, revision: 2 },
      refused: null,
    });
    expect(refused?.details).toMatchObject({
      after: null,
      refused: expect.stringContaining('workloads'),
    });
    expect(stop).toMatchObject({ by: { via: 'signal', signal: 'SIGTERM' } });
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(5);
    await valve.stop();
  });
});
