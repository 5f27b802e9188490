/**
 * What a command may touch of the outside: streams, environment, clock, exit status. Injected, so
 * that a test runs a command without a process.
 */

export interface Output {
  write(text: string): unknown;
}

export interface CliContext {
  /** Data and nothing else. */
  readonly stdout: Output;
  /** Chatter: notes, hints, errors. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stdout is a terminal. */
  readonly isTTY: boolean;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** Sets the exit status without ending the process: 1 is a finding. Errors are thrown instead. */
  readonly setExitCode: (code: number) => void;
}

/** The context of the real process. Output to a pipe that nobody reads any more ends it quietly. */
export function processContext(): CliContext {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endOnBrokenPipe);
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    isTTY: process.stdout.isTTY === true,
    now: Date.now,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}

function endOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}
