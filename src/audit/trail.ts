/**
 * The acts of a resolver's life, as they are told to the audit log: with the policy before and
 * after, so that a decision in the history can be traced to whoever loaded the policy it follows.
 *
 * An act of another kind calls `act`, and gives what people need to know about it.
 */

import { messageOf } from '../errors.ts';
import type { AuditLog } from './log.ts';
import type { Act, Actor } from './record.ts';

/** The policy in force. */
export interface PolicyState {
  readonly revision: number;
  /** Digest of the configuration; see config/digest.ts. */
  readonly configuration: string;
}

const { pid } = process;
const SELF: Actor = { via: 'process', uid: process.getuid?.() ?? null, pid };

export class Trail {
  readonly #log: AuditLog;
  readonly #policy: () => PolicyState;

  constructor(log: AuditLog, policy: () => PolicyState) {
    this.#log = log;
    this.#policy = policy;
  }

  /** @returns whether it is on the disk; nobody needs to wait for that */
  act(act: Act): Promise<boolean> {
    return this.#log.record(act);
  }

  started(program: string): void {
    void this.act({ act: 'start', by: SELF, details: { program, after: this.#policy() } });
  }

  stopped(signal: string): void {
    const by = { via: 'signal', signal } as const;
    void this.act({ act: 'stop', by, details: { pid, before: this.#policy() } });
  }

  /** Runs a reload and records what came of it; throws what the reload throws. */
  async reload(by: Actor, run: () => Promise<void>): Promise<void> {
    const before = this.#policy();
    try {
      await run();
    } catch (error) {
      const details = { before, after: null, refused: messageOf(error) };
      void this.act({ act: 'reload', by, details });
      throw error;
    }
    const after = this.#policy();
    void this.act({ act: 'reload', by, details: { before, after, refused: null } });
  }
}
