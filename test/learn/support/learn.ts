/** A configuration and a history in a directory of their own, and the commands that read both. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { onTestFinished } from 'vitest';
import * as promote from '../../../src/cli/promote.ts';
import { snapshotOf } from '../../../src/cli/snapshot-of.ts';
import * as suggest from '../../../src/cli/suggest.ts';
import { KIND_NAME } from '../../../src/events/kinds.ts';
import { openForReading } from '../../../src/history/reader.ts';
import { engineFor } from '../../../src/learn/ask.ts';
import type { Engine } from '../../../src/learn/engine.ts';
import { Seen, type SeenName } from '../../../src/learn/seen.ts';
import { type Fixture, fixture, temporaryDirectory } from '../../history/support/fixture.ts';
import { NOON, type RecordSpec } from '../../history/support/records.ts';

export const DAY = 86_400_000;

/** A query and its detail; would have been denied, unless `more` says otherwise. */
export function query(name: string, more: Partial<RecordSpec> = {}): RecordSpec[] {
  const base = { name, allowed: 1, wouldDeny: 1, firstMs: NOON - DAY, ...more };
  return [base, { ...base, kind: KIND_NAME }];
}

export interface Run {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

export class Place {
  readonly directory = temporaryDirectory();
  readonly config = join(this.directory, 'dnsvalve.yaml');
  readonly history: Fixture;

  constructor(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    const path = join(this.directory, 'history.db');
    this.history = fixture({ path, retentionMs: 400 * DAY, namesPerDomain: 50 });
  }

  write(name: string, text: string): string {
    const path = join(this.directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  saw(records: readonly RecordSpec[]): void {
    for (let at = 0; at < records.length; at += 500) {
      this.history.put(records.slice(at, at + 500));
      this.history.recording.flush();
    }
  }

  seen(sinceMs = 0): SeenName[] {
    const db = openForReading(this.history.path);
    onTestFinished(() => void db.close());
    return [...new Seen(db).names('pay', { sinceMs })];
  }

  /** The engine with a configuration, as `check` and the daemon have it. */
  async engine(path = this.config): Promise<Engine> {
    return engineFor(await snapshotOf(path), 'pay');
  }

  async run(...words: string[]): Promise<Run> {
    const program = new Command().exitOverride();
    let [out, err, code] = ['', '', 0];
    const context = {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (err += text) },
      env: {},
      isTTY: false,
      now: () => NOON,
      setExitCode: (value: number) => {
        code = value;
      },
    };
    for (const command of [suggest, promote]) command.register(program, context);
    await program.parseAsync([...words, '--config', this.config], { from: 'user' });
    return { out, err, code };
  }
}
