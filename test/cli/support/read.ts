/** A reading command, run as a user runs it, without a process. */

import { Command, CommanderError } from 'commander';
import type { CliContext } from '../../../src/cli/context.ts';
import { DnsvalveError } from '../../../src/errors.ts';

export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

type Register = (program: Command, context: CliContext) => void;

export async function readWith(
  register: Register,
  nowMs: number,
  args: readonly string[],
): Promise<Run> {
  const out = { stdout: '', stderr: '', exitCode: 0 };
  const context: CliContext = {
    stdout: { write: (text) => (out.stdout += text) },
    stderr: { write: (text) => (out.stderr += text) },
    env: {},
    isTTY: false,
    now: () => nowMs,
    setExitCode: (code) => {
      out.exitCode = code;
    },
  };
  const program = new Command('dnsvalve').exitOverride();
  program.configureOutput({
    writeErr: (text) => {
      out.stderr += text;
    },
  });
  register(program, context);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof DnsvalveError) out.exitCode = error.exitCode;
    else if (error instanceof CommanderError) out.exitCode = 2;
    else throw error;
    out.stderr += error.message;
  }
  return out;
}
