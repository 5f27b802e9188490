/**
 * What an importer makes of a foreign policy: lists in the form of the configuration, and what of
 * the source is not in them. An importer may leave something out or make it narrower, and says so;
 * it never lets more through than the source does, but where it was asked to (`--widen`).
 */

/** An entry of a list, as it will stand in the configuration. */
export interface ImportedEntry {
  /** `x`, `*.x` or `.x`, accepted by config/pattern.ts. */
  readonly pattern: string;
  /** What is to be said beside it; '' for nothing. */
  readonly remark: string;
}

export interface ImportedWorkload {
  readonly name: string;
  /** '' where the source names none. */
  readonly owner: string;
  readonly mode: 'enforce' | 'report' | 'open';
  readonly allow: readonly ImportedEntry[];
  readonly deny: readonly ImportedEntry[];
  /** Lines of comment above it. */
  readonly remarks: readonly string[];
}

/** A list of names for everybody, as the text of a response policy zone. */
export interface ImportedFeed {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Something of the source that the result does not say. */
export interface Lost {
  /** 1-based; 0 where it is about the whole source. */
  readonly line: number;
  /** What stands there. */
  readonly what: string;
  readonly why: string;
}

export interface Imported {
  readonly workloads: readonly ImportedWorkload[];
  readonly everyone: {
    readonly allow: readonly ImportedEntry[];
    readonly deny: readonly ImportedEntry[];
  };
  readonly feeds: readonly ImportedFeed[];
  readonly lost: readonly Lost[];
  /** What is good to know, and no loss. */
  readonly notes: readonly string[];
}

/** What the caller said beside the file. */
export interface ImportRequest {
  readonly text: string;
  /** Of the file, for a workload or feed that the source does not name. */
  readonly baseName: string;
  /** `--workload`, or null. */
  readonly workload: string | null;
  /** `--as`: what a list without an action is for. */
  readonly as: 'allow' | 'deny' | null;
  /** `--widen`: a wildcard for one label may become one for any depth. */
  readonly widen: boolean;
}

export type Importer = (request: ImportRequest) => Imported;

export const NOBODY = { allow: [], deny: [] } as const;
