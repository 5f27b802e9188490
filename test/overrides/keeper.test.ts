/** Acts of people and of time, over a store on the disk and workers that a test stands for. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Act, Actor } from '../../src/audit/record.ts';
import { type AnyStep, Book } from '../../src/overrides/book.ts';
import { overridesOf } from '../../src/overrides/current.ts';
import { Keeper } from '../../src/overrides/keeper.ts';
import { NO_OVERRIDES, type Overrides } from '../../src/overrides/override.ts';
import { overridesPath, readOverrides, readTransitions } from '../../src/overrides/read.ts';
import { OverridesStore } from '../../src/overrides/store.ts';
import { dueSteps, Watch } from '../../src/overrides/watch.ts';
import { until } from '../support/until.ts';
import { DAY, FakeClock, HOUR, MINUTE, POLICY, SECOND, T0 } from './people.ts';

const ASKED = { workload: 'pay', pattern: '*.partner.example', for: '4h', reason: 'settlement' };

function as(uid: number): Actor {
  return { via: 'control', uid, gid: uid, pid: 7 };
}
const alice = as(1001);
const bob = as(1002);

/** A daemon's overrides, without the daemon. */
class Rig {
  readonly clock = new FakeClock();
  readonly steps: string[] = [];
  readonly acts: Act[] = [];
  readonly said: string[] = [];
  inForce: Overrides = NO_OVERRIDES;
  /** Overrides that workers were given, in order. */
  given = 0;
  isStuck = false;
  /** When the audit log has what is told to it. */
  logged: Promise<unknown> = Promise.resolve();
  use: { id: string; queries: number; lastUseMs: number }[] = [];
  firstUses: string[] = [];
  seenOver: string[] = [];
  readonly #folder: string;
  keeper!: Keeper;
  watch!: Watch;
  #store!: OverridesStore;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get path(): string {
    return overridesPath(this.#folder);
  }

  /** As after kill -9: nothing of the process before is left but the file. */
  start(): void {
    this.#store = OverridesStore.open(this.path);
    const book = new Book(this.#store);
    this.inForce = overridesOf(book.read(), this.clock.now());
    this.use = [];
    this.keeper = new Keeper({
      book,
      inForce: {
        override: async (overrides) => {
          if (this.isStuck) throw new Error('a worker is stuck');
          this.inForce = overrides;
          this.given++;
        },
        endedOverrides: () => this.seenOver,
        overrideUse: () => this.use,
      },
      policy: () => POLICY,
      now: this.clock.now,
      onStep: ({ record, transition }: AnyStep) =>
        this.steps.push(`${record.id} ${transition.act}`),
      audit: async (act) => {
        this.acts.push(act);
        await this.logged;
      },
      report: (line) => this.said.push(line),
    });
    this.watch = new Watch({
      keeper: this.keeper,
      now: this.clock.now,
      use: () => this.use,
      ended: () => this.seenOver,
      onFirstUse: ({ id }) => this.firstUses.push(id),
    });
  }

  /** The process ends without a word. */
  kill(): void {
    this.#store.close();
  }

  get open(): string[] {
    return this.inForce.exceptions.map(
      ({ id, untilMs }) => `${id} ${Math.floor((untilMs - T0) / MINUTE)}m`,
    );
  }

  get held(): string[] {
    return this.inForce.quarantines.map(({ text }) => text);
  }
}

let folder: string;
let rig: Rig;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dnsvalve-overrides-'));
  rig = new Rig(folder);
  rig.start();
});

afterEach(async () => {
  await rig.watch.close();
  rig.kill();
  rmSync(folder, { recursive: true });
});

describe('an exception', () => {
  it('is open when the approval returns, and closed when its time is over', async () => {
    const { record } = await rig.keeper.request(ASKED, alice);
    expect(record.id).toBe('ex-1');
    expect(rig.open).toEqual([]);
    expect((await rig.keeper.approve('ex-1', bob)).record.state).toBe('active');
    expect(rig.open).toEqual(['ex-1 240m']);
    rig.clock.pass(4 * HOUR);
    await rig.watch.tick();
    expect(rig.open).toEqual([]);
    expect(readOverrides(rig.path, 0).exceptions[0]?.state).toBe('expired');
    expect(rig.steps).toEqual(['ex-1 request', 'ex-1 approve', 'ex-1 activate', 'ex-1 expire']);
    expect(rig.acts.map(({ act }) => act)).toEqual([
      'exception-request',
      'exception-approve',
      'exception-expire',
    ]);
  });

  it('a closing holds before the audit log has it, and returns once it has', async () => {
    await rig.keeper.request(ASKED, alice);
    await rig.keeper.approve('ex-1', bob);
    const log = Promise.withResolvers<void>();
    rig.logged = log.promise;
    const returned: string[] = [];
    const closings = [
      rig.keeper.revoke('ex-1', bob).then(() => returned.push('revoke')),
      rig.keeper.quarantine({ domain: 'evil.example' }, alice).then(() => returned.push('hold')),
    ];
    await until('both hold', () => (rig.held.length === 1 && rig.open.length === 0 ? true : null));
    await until('the store has them', () => {
      const { exceptions, quarantines } = readOverrides(rig.path, 0);
      return exceptions[0]?.state === 'revoked' && quarantines.length === 1 ? true : null;
    });
    expect(returned).toEqual([]);
    log.resolve();
    await Promise.all(closings);
    expect(returned.toSorted()).toEqual(['hold', 'revoke']);
  });

  it('of two who decide about it at once one wins, and the other is told', async () => {
    await rig.keeper.request(ASKED, alice);
    const both = await Promise.allSettled([
      rig.keeper.approve('ex-1', bob),
      rig.keeper.reject('ex-1', bob),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(String((both[1] as PromiseRejectedResult).reason)).toContain(
      'cannot be rejected: it is approved by bob',
    );
  });

  it('is refused to its requester, and the audit log has who tried', async () => {
    await rig.keeper.request(ASKED, alice);
    await expect(rig.keeper.approve('ex-1', alice)).rejects.toThrow('alice requested it');
    expect(rig.open).toEqual([]);
    expect(rig.acts.at(-1)).toMatchObject({
      act: 'exception-approve',
      by: alice,
      details: {
        person: 'alice',
        asked: { id: 'ex-1' },
        refused: expect.stringContaining('alice requested it'),
      },
    });
  });

  it('that is refused fills no log, whatever was asked', async () => {
    const huge = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key ${i}`, 'x']));
    const asked = { pattern: 'y'.repeat(50_000), workload: ['z'.repeat(9999)], ...huge };
    await expect(rig.keeper.request(asked, alice)).rejects.toThrow();
    expect(JSON.stringify(rig.acts.at(-1)?.details['asked']).length).toBeLessThan(1000);
  });

  it('that is asked for twice is asked for once', async () => {
    await rig.keeper.request(ASKED, alice);
    await expect(rig.keeper.request(ASKED, bob)).rejects.toThrow(
      'ex-1 by alice is requested for the same; have it approved',
    );
  });

  it('that a revocation closes is closed when that returns', async () => {
    await rig.keeper.request(ASKED, alice);
    await rig.keeper.approve('ex-1', bob);
    await rig.keeper.revoke('ex-1', as(4000));
    expect(rig.open).toEqual([]);
    await expect(rig.keeper.extend('ex-1', '8h', bob)).rejects.toThrow('it is revoked since');
  });

  it('that workers did not take is kept, said, and tried again', async () => {
    await rig.keeper.request(ASKED, alice);
    rig.isStuck = true;
    await expect(rig.keeper.approve('ex-1', bob)).rejects.toThrow(
      'not in force on all workers yet',
    );
    expect(readOverrides(rig.path, T0).exceptions[0]?.state).toBe('approved');
    rig.isStuck = false;
    await rig.watch.tick();
    expect(rig.open).toEqual(['ex-1 240m']);
    expect(readOverrides(rig.path, T0).exceptions[0]?.state).toBe('active');
  });

  it('ends by what is left when the wall clock was set back', async () => {
    await rig.keeper.request(ASKED, alice);
    await rig.keeper.approve('ex-1', bob);
    rig.clock.set(-HOUR);
    await rig.watch.tick();
    expect(rig.open).toEqual(['ex-1 180m']);
    rig.clock.pass(4 * HOUR);
    await rig.watch.tick();
    expect(rig.open).toEqual([]);
    rig.clock.set(-DAY);
    await rig.watch.tick();
    expect(rig.open).toEqual([]);
  });

  it('that a worker found over stays over, although the clock was set back since', async () => {
    await rig.keeper.request(ASKED, alice);
    await rig.keeper.approve('ex-1', bob);
    rig.seenOver = ['ex-1'];
    await rig.watch.tick();
    expect(rig.open).toEqual([]);
    expect(readTransitions(rig.path, 'ex-1').at(-1)?.note).toContain('set back since');
  });

  it('counts its uses, tells of the first, and keeps the counts', async () => {
    await rig.keeper.request(ASKED, alice);
    await rig.keeper.approve('ex-1', bob);
    rig.use = [{ id: 'ex-1', queries: 3, lastUseMs: T0 + SECOND }];
    await rig.watch.tick();
    rig.use = [{ id: 'ex-1', queries: 5, lastUseMs: T0 + MINUTE }];
    await rig.watch.tick();
    expect(rig.firstUses).toEqual(['ex-1']);
    await rig.watch.close();
    rig.kill();
    rig.start();
    rig.use = [{ id: 'ex-1', queries: 2, lastUseMs: T0 + HOUR }];
    await rig.watch.tick();
    expect(rig.keeper.book.exceptions.get('ex-1')).toMatchObject({
      queries: 7,
      firstUseMs: T0 + SECOND,
      lastUseMs: T0 + HOUR,
    });
    expect(rig.firstUses).toEqual(['ex-1']);
  });
});

describe('the first use of an exception', () => {
  /** The watch looks so often after it, the process dies, and there is another use. */
  async function usedAndKilled(looks: number): Promise<void> {
    const use = [{ id: 'ex-1', queries: 1, lastUseMs: T0 + SECOND }];
    await rig.keeper.request(ASKED, alice);
    await rig.keeper.approve('ex-1', bob);
    await rig.watch.tick();
    rig.use = use;
    for (let i = 0; i < looks; i++) await rig.watch.tick();
    rig.kill();
    rig.start();
    rig.use = use;
    await rig.watch.tick();
  }

  it('is told again by the next use where a kill came right after it', async () => {
    await usedAndKilled(1);
    expect(rig.firstUses).toEqual(['ex-1', 'ex-1']);
  });

  it('is told once where the kill came later', async () => {
    await usedAndKilled(2);
    expect(rig.firstUses).toEqual(['ex-1']);
  });
});

/** The life of an exception; before each step the process dies. */
describe('killed at each step', () => {
  it('goes on where it was, and never opens what was not approved', async () => {
    const again = (): void => {
      rig.kill();
      rig.start();
    };
    await rig.keeper.request(ASKED, alice);
    again();
    expect(rig.open).toEqual([]);
    await rig.keeper.approve('ex-1', bob);
    again();
    expect(rig.open).toEqual(['ex-1 240m']);
    await rig.keeper.extend('ex-1', '6h', bob);
    again();
    expect(rig.open).toEqual(['ex-1 360m']);
    await rig.keeper.quarantine({ workload: 'pay' }, alice);
    again();
    expect(rig.held).toEqual(['quarantine q-1 of pay']);
    await rig.keeper.release('q-1', alice);
    again();
    expect(rig.held).toEqual([]);
    rig.clock.pass(6 * HOUR);
    again();
    expect(rig.open).toEqual([]);
    await rig.keeper.settle(dueSteps(rig.keeper.book, rig.clock.now()));
    expect(readTransitions(rig.path, 'ex-1').map(({ act }) => act)).toEqual([
      'request',
      'approve',
      'activate',
      'extend',
      'expire',
    ]);
  });

  it('an approval that died before its workers knew is in force at the next start', async () => {
    await rig.keeper.request(ASKED, alice);
    rig.isStuck = true;
    await expect(rig.keeper.approve('ex-1', bob)).rejects.toThrow();
    rig.kill();
    rig.isStuck = false;
    rig.start();
    expect(rig.open).toEqual(['ex-1 240m']);
  });

  it('after a boot with a clock that was set back it has no more than what was left', async () => {
    await rig.keeper.request(ASKED, alice);
    await rig.keeper.approve('ex-1', bob);
    rig.clock.pass(3 * HOUR);
    await rig.watch.tick();
    rig.kill();
    rig.clock.reboot(-3 * HOUR);
    rig.start();
    expect(rig.open).toEqual(['ex-1 60m']);
  });
});

describe('a quarantine', () => {
  it('holds when the command returns, and is released by its name', async () => {
    const { record, isDurable } = await rig.keeper.quarantine({ workload: 'pay' }, alice);
    expect([record.id, isDurable, rig.held]).toEqual(['q-1', true, ['quarantine q-1 of pay']]);
    await expect(rig.keeper.quarantine({ workload: 'pay' }, bob)).rejects.toThrow(
      'pay: q-1 by alice holds already',
    );
    await rig.keeper.release('pay', bob);
    expect(rig.held).toEqual([]);
    await expect(rig.keeper.release('pay', bob)).rejects.toThrow('in force are: none');
  });

  it('of a domain is released by the name that it was ordered with', async () => {
    await rig.keeper.quarantine({ domain: 'x.example' }, alice);
    expect(rig.held).toEqual(['quarantine q-1 of .x.example']);
    await rig.keeper.release('x.example', alice);
    expect(rig.held).toEqual([]);
  });

  it('lasts its time whatever is done to the wall clock', async () => {
    await rig.keeper.quarantine({ workload: 'pay', for: '1h' }, alice);
    rig.clock.set(DAY);
    await rig.watch.tick();
    expect(rig.held).toHaveLength(1);
    rig.clock.pass(HOUR);
    await rig.watch.tick();
    expect(rig.held).toEqual([]);
  });
});

describe('a disk that refuses', () => {
  it('keeps nothing from being contained, and says that it is not durable', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'not a folder');
    const bad = new Rig(path);
    bad.start();
    const { isDurable } = await bad.keeper.quarantine({ workload: 'pay' }, alice);
    expect(isDurable).toBe(false);
    expect(bad.held).toEqual(['quarantine q-1 of pay']);
    expect(bad.said[0]).toContain('overrides hold, and are not on the disk');
    rmSync(path);
    await bad.watch.tick();
    expect(readOverrides(bad.path, T0).quarantines[0]?.state).toBe('active');
    await bad.watch.close();
    bad.kill();
  });

  it('opens nothing', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'not a folder');
    const bad = new Rig(path);
    bad.start();
    await expect(bad.keeper.request({ ...ASKED, now: true }, alice)).rejects.toThrow(
      'nothing has changed',
    );
    expect(bad.open).toEqual([]);
    expect(bad.keeper.book.exceptions.size).toBe(0);
    await bad.watch.close();
    bad.kill();
  });
});

describe('the store', () => {
  it('that is damaged is no store without quarantines: nothing starts', () => {
    writeFileSync(join(folder, 'overrides.db'), 'x'.repeat(5000));
    expect(() => OverridesStore.open(rig.path)).toThrow(/is not a database; restore it, or move/);
  });

  it('is not made by looking', () => {
    expect(readOverrides(join(folder, 'none.db'), T0)).toEqual({ exceptions: [], quarantines: [] });
  });

  it('tells what a daemon that is down has not ended as it will be', async () => {
    await rig.keeper.request(ASKED, alice);
    await rig.keeper.approve('ex-1', bob);
    await rig.keeper.quarantine({ workload: 'pay', for: '1h' }, alice);
    const late = readOverrides(rig.path, T0 + DAY);
    expect(late.exceptions.map(({ state, endedMs }) => [state, endedMs])).toEqual([
      ['expired', T0 + 4 * HOUR],
    ]);
    expect(late.quarantines[0]?.state).toBe('expired');
  });
});
