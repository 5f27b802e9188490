/** `who --ip`: what a person is told of who an address was. */

import { describe, expect, it } from 'vitest';
import { register } from '../../src/cli/who.ts';
import { fixture } from '../history/support/fixture.ts';
import { policy } from '../history/support/policies.ts';
import { NOON } from '../history/support/records.ts';
import { type Run, readWith } from './support/read.ts';

const HOUR = 3_600_000;

/** pay has the address from 12:00 to 13:00, then web until 14:00, when the daemon stops. */
function database(): string {
  const test = fixture({ startedAt: NOON });
  test.recording.addRevision(policy(1, NOON, { pay: ['10.1.2.0/24'] }));
  test.recording.addRevision(policy(2, NOON + HOUR, { web: ['10.1.2.3'] }));
  test.clock.ms = NOON + 2 * HOUR;
  test.recording.close();
  return test.path;
}

const who = (args: readonly string[], path = database()): Promise<Run> =>
  readWith(register, NOON + 5 * HOUR, ['who', ...args, '--utc', '--db', path]);

describe('who --ip', () => {
  it('says which workload the address was, by which source, since when, by which policy', async () => {
    const { stdout, stderr, exitCode } = await who([
      '--ip',
      '10.1.2.3',
      '--at',
      '2026-03-01T12:30',
    ]);
    expect(stdout.split('\n')).toEqual([
      'WORKLOAD  SOURCE       FROM                  TO                    REVISION  LOADED',
      'pay       10.1.2.0/24  2026-03-01 12:00:00Z  2026-03-01 13:00:00Z         1  2026-03-01 12:00:00Z',
      '',
    ]);
    expect([stderr, exitCode]).toEqual(['', 0]);
  });

  it('says so in JSON', async () => {
    const { stdout } = await who(['--ip', '10.1.2.3', '--at', '2026-03-01T13:30', '--jsonl']);
    expect(JSON.parse(stdout)).toEqual({
      address: '10.1.2.3',
      at: '2026-03-01T13:30:00.000Z',
      workload: 'web',
      source: '10.1.2.3/32',
      from: '2026-03-01T13:00:00.000Z',
      from_revision: 2,
      to: null,
      to_revision: null,
      policy_revision: 2,
      policy_loaded: '2026-03-01T13:00:00.000Z',
      daemon_ran: true,
      gap_from: null,
      gap_to: null,
    });
  });

  it.each([
    [
      'no workload',
      ['--ip', '10.9.9.9', '--at', '2026-03-01T12:30'],
      'no workload claimed 10.9.9.9 then',
    ],
    [
      'before the first start',
      ['--ip', '10.1.2.3', '--at', '2026-03-01T11:00'],
      'the first is of 2026-03-01 12:00:00Z',
    ],
  ])('exits 1 where there is none: %s', async (_, args, note) => {
    const { stdout, stderr, exitCode } = await who(args);
    expect(stdout).toBe('');
    expect(stderr).toContain(note);
    expect(exitCode).toBe(1);
  });

  it('says that no daemon ran then, and what the policy before had', async () => {
    const { stdout, stderr, exitCode } = await who(['--ip', '10.1.2.3', '--jsonl']);
    expect(JSON.parse(stdout)).toMatchObject({ workload: 'web', daemon_ran: false });
    expect(stderr).toBe('no daemon ran from 2026-03-01 14:00:00Z: the policy before had this\n');
    expect(exitCode).toBe(0);
  });

  it.each([
    [['--ip', 'ten'], 'not an address'],
    [['--ip', '10.1.2.3', '--at', '2027-01-01'], 'still to come'],
    [['--at', '24h', 'example.com'], '--at TIME goes with --ip'],
    [['--ip', '10.1.2.3', 'example.com'], 'give a name, --file LIST, or --ip'],
    [[], 'give a name, --file LIST, or --ip'],
  ])('refuses %j', async (args, reason) => {
    const { stderr, exitCode } = await who(args);
    expect(stderr).toContain(reason);
    expect(exitCode).toBe(2);
  });
});
