/** A person who speaks to the control socket under a user number of their own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const AGENT = join(import.meta.dirname, 'agent.ts');

export interface AgentRequest {
  readonly number: number;
  readonly command: string;
  readonly question: Readonly<Record<string, unknown>>;
}

export interface AgentReply {
  readonly number: number;
  readonly result: unknown;
  readonly error: string | null;
  readonly code: string | null;
}

export class Person {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: AgentReply) => void>();
  #number = 0;

  /** @param uid user number; the group is that of this process, which the socket belongs to */
  constructor(uid: number, socket: string) {
    const who = ['--reuid', String(uid), '--regid', String(process.getgid?.()), '--clear-groups'];
    this.#child = spawn('setpriv', [...who, process.execPath, AGENT, socket], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('no output of the agent');
    createInterface({ input: stdout }).on('line', (line) => {
      const reply = JSON.parse(line) as AgentReply;
      this.#waiting.get(reply.number)?.(reply);
      this.#waiting.delete(reply.number);
    });
  }

  ask(command: string, question: Readonly<Record<string, unknown>>): Promise<AgentReply> {
    const number = ++this.#number;
    const { promise, resolve } = Promise.withResolvers<AgentReply>();
    this.#waiting.set(number, resolve);
    const request: AgentRequest = { number, command, question };
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return promise;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
