/**
 * A query log whose file takes nothing for a while (a pipe that nobody reads): every query is
 * answered all the same, and in the end each was written or counted as shed.
 */

import { spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClient } from '../support/client.ts';
import { buildQuery } from '../support/message.ts';
import { until } from '../support/until.ts';
import { BACKENDS, Valve } from '../support/valve.ts';

const LOCALHOST = '127.0.0.1';
/** More than a ring of 4 MiB and a pipe of 64 KiB hold of records of some 600 octets. */
const ASKED = 12_000;
const AT_ONCE = 200;
const LABEL = 'a'.repeat(60);
const NAME = `${LABEL}.${LABEL}.${LABEL}.test`;
const NEWLINE = 10;

const CONFIG = `upstreams: { default: { servers: [127.0.0.1:9] } }
rate_limit: { queries: 0 }
query_log: { path: pipe }
workloads: { all: { sources: [${LOCALHOST}/32], mode: enforce } }
`;

interface Status {
  readonly query_log: {
    readonly shed: number;
    /** Null before its thread told anything. */
    readonly query_log: { readonly written: number; readonly lost: number } | null;
  };
}

describe.each(BACKENDS)('a query log that is held up, %s sockets', (backend) => {
  let valve: Valve;

  beforeAll(async () => {
    valve = await Valve.start({ backend, config: CONFIG.replace('query_log', '# query_log') });
    const { status } = spawnSync('mkfifo', [join(valve.folder, 'pipe')]);
    expect(status).toBe(0);
    valve.configure(CONFIG);
    expect((await valve.command('reload', ...valve.control)).status).toBe(0);
  });

  afterAll(async () => valve?.stop());

  it('holds up no query, and counts what it could not keep', async () => {
    const client = await openClient('udp', valve, LOCALHOST);
    const octets = buildQuery({ name: NAME });
    for (let asked = 0; asked < ASKED; asked += AT_ONCE) {
      const answers = Array.from({ length: AT_ONCE }, () => client.exchange(octets));
      expect((await Promise.all(answers)).every((answer) => answer !== null)).toBe(true);
    }
    client.close();
    const { shed } = ((await valve.status()) as unknown as Status).query_log;
    expect(shed).toBeGreaterThan(0);
    expect(shed).toBeLessThan(ASKED);
    let lines = 0;
    const reader = createReadStream(join(valve.folder, 'pipe'));
    reader.on('data', (chunk) => {
      for (const octet of chunk as Buffer) if (octet === NEWLINE) lines++;
    });
    const seen = await until('the rest was written', async () => {
      const { query_log: log } = (await valve.status()) as unknown as Status;
      const { written, lost } = log.query_log ?? { written: 0, lost: 0 };
      return written + lost + log.shed >= ASKED ? { written, lost, shed: log.shed } : null;
    });
    expect(seen).toEqual({ written: ASKED - shed, lost: 0, shed });
    await until('all lines were read', () => (lines >= ASKED - shed ? true : null));
    expect(lines).toBe(ASKED - shed);
    reader.destroy();
  });
});
