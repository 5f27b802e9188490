/** The demo runs to its end, shows what it promises, and leaves nothing behind. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

/** Its own place for temporary files, so that what is left there is its own. */
let temporary: string;

beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'dnsvalve-demo-test-'));
});

afterAll(() => rmSync(temporary, { recursive: true }));

function start(env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, ['examples/demo/demo.ts'], {
    cwd: ROOT,
    env: { ...process.env, ...env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Directories of the demo; Node's cache of compiled modules stays and is meant to. */
function leftovers(): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith('dnsvalve-'));
}

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  return text;
}

const ROWS: readonly (readonly [string, RegExp])[] = [
  ['a name in the allowlist', /127\.0\.0\.2 +payments +api\.bank\.example +A +allowed +NOERROR/],
  ['a name outside of it', /builder +drop\.attacker\.example +A +denied +NXDOMAIN/],
  ['why it was denied', /EDE 15 \(Blocked\) builder: not in its allowlist; ask team-ci/],
  ['a DoH resolver', /builder +dns\.google +A +denied +NXDOMAIN/],
  ['a paste site', /EDE 17 \(Filtered\) builder: denied by feed paste-sites/],
  ['an alias of one', /builder +docs\.tools\.example +A +denied +NXDOMAIN/],
  ['rebinding', /builder +meta\.widgets\.example +A +denied +NXDOMAIN/],
  ['a source that is nobody', /127\.0\.0\.5 +\(nobody\) +api\.bank\.example +A +denied +REFUSED/],
  ['what never left', /4 denied names never left the valve/],
  ['who asked first', /builder +attacker\.example +denied +127\.0\.0\.3/],
  ['the tunnel, counted and folded', /agent +sync\.example +\S+ +127\.0\.0\.4 +300 +0 +10 +290/],
  ['totals with the memory', /payments +2 +4 +4 +0 +1 /],
  ['an alert about rebinding', /error +rebinding +builder +127\.0\.0\.3 +widgets\.example +denied/],
  ['an alert about a bypass', /warning +resolver-bypass +builder +127\.0\.0\.3 +dns\.google/],
  ['an alert about an unmapped source', /warning +unmapped-source +\(unmapped\) +127\.0\.0\.5/],
  ['repeats in one alert', /new-destination +agent +127\.0\.0\.4 +sync\.example +allowed +\d+/],
  ['a message of syslog', /<163>1 \S+ \S+ dnsvalve \d+ rebinding \[dnsvalve@32473/],
];

describe.each([
  ['the best I/O of this machine', {}, /I\/O: (native|dgram)/],
  ['node:dgram', { DNSVALVE_NATIVE: 'off' }, /I\/O: dgram/],
])('the demo with %s', (_name, env, io) => {
  let text: string;

  beforeAll(async () => {
    text = await output(start(env));
  });

  it.each(ROWS)('shows %s', (_what, row) => {
    expect(text).toMatch(row);
  });

  it('says how datagrams were moved', () => {
    expect(text).toMatch(io);
  });

  it('fits into 100 columns', () => {
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('leaves nothing behind', () => {
    expect(leftovers()).toEqual([]);
  });
});

it('the demo cleans up when it is interrupted', async () => {
  const child = start({});
  await once(child.stdout ?? child, 'data');
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  expect([code, leftovers()]).toEqual([130, []]);
});
