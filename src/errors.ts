/**
 * Every coded error of the program, in one table. Operators search for codes, not for prose.
 *
 * A code decides the exit status of a command: 2 for usage and configuration, 3 for a daemon or a
 * database that cannot be reached. Bad packets are never errors; they are verdicts and counters.
 */

export const ERROR_CODES = {
  USAGE: 2,
  CONFIG: 2,
  ZONE: 2,
  FEED: 2,
  DAEMON: 3,
  DATABASE: 3,
  SYSTEM: 3,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An operating error that a person is told about. Messages are lowercase and name the place. */
export class DnsvalveError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DnsvalveError';
    this.code = code;
  }

  get exitCode(): number {
    return ERROR_CODES[this.code];
  }
}

/** One thing that is wrong in a file, with the place where it stands. */
export interface Problem {
  readonly file: string;
  /** 1-based; 0 when the whole file is meant. */
  readonly line: number;
  readonly col: number;
  /** Dotted path in the configuration, or '' outside of it. */
  readonly path: string;
  readonly message: string;
}

/** `file:line:col: path: message`, without the parts that are not known. */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `:${problem.line}:${problem.col}` : '';
  const path = problem.path === '' ? '' : `${problem.path}: `;
  return `${problem.file}${place}: ${path}${problem.message}`;
}

/** All problems of a load at once; the message is one line per problem. */
export class ProblemsError extends DnsvalveError {
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, problems: readonly Problem[]) {
    super(code, problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
