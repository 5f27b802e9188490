/**
 * A report before it has a form: typed rows, and columns that say what of a row is shown and how.
 * Tables, CSV, JSON and pages are made from this one description, so that they cannot disagree.
 */

/** What a value is; it decides how each form writes it. Times are ms since the epoch. */
export type Look = 'text' | 'name' | 'number' | 'time' | 'state' | 'place' | 'prose';

/** How much a value asks for attention. */
export type Tone = 'good' | 'calm' | 'warn' | 'bad';

export type Value = string | number | boolean | null;

export interface ReportColumn<Row> {
  readonly title: string;
  /** Name in JSON and CSV; stable. */
  readonly field: string;
  readonly look: Look;
  readonly of: (row: Row) => Value;
  readonly tone?: (row: Row) => Tone;
  /** On a page, a second line of the cell. */
  readonly below?: (row: Row) => string | null;
  /** Where it is shown; everywhere where it is left out. Data are JSON and CSV. */
  readonly only?: readonly Form[];
}

export type Form = 'table' | 'page' | 'data';

/** Columns of a form that have a value in some row; data have them all. */
export function columnsFor<Row>(report: Report<Row>, form: Form): ReportColumn<Row>[] {
  const meant = report.columns.filter(({ only }) => only === undefined || only.includes(form));
  if (form === 'data') return meant;
  return meant.filter(({ of, below }) =>
    report.rows.some((row) => isSaid(of(row)) || isSaid(below?.(row) ?? null)),
  );
}

function isSaid(value: Value): boolean {
  return value !== null && value !== '';
}

/** A number at the head of a page. */
export interface Figure {
  readonly label: string;
  readonly value: string;
  readonly tone?: Tone;
  /** A few words below the number. */
  readonly detail?: string;
}

/** Rows under one heading of a page. */
export interface Group {
  readonly heading: string;
  readonly details: readonly string[];
  /** The heading is a name, and looks like one. */
  readonly isName?: boolean;
}

/** A change of a file, to be applied by `patch`. */
export interface Patch {
  /** Whose, as a heading. */
  readonly subject: string;
  /** Unified diff; '' where the file is not written in a way that can be edited line by line. */
  readonly text: string;
  /** What must be done by hand. */
  readonly byHand: readonly string[];
}

export interface Report<Row> {
  /** `report open` */
  readonly command: string;
  readonly title: string;
  /** One sentence: what the reader learns here. */
  readonly question: string;
  /** Where it comes from: label and value. */
  readonly facts: readonly (readonly [string, string])[];
  readonly figures: readonly Figure[];
  /** What must be known to read it right. */
  readonly notes: readonly string[];
  readonly columns: readonly ReportColumn<Row>[];
  readonly rows: readonly Row[];
  /** Rows of one group follow each other. */
  readonly groupOf: (row: Row) => Group;
  /** By subject, to be read. */
  readonly patches?: readonly Patch[];
  /** All of them in one, to be applied. */
  readonly whole?: Patch;
  /** A drawing for the page: SVG made here. */
  readonly drawing?: string;
  /** Said where there are no rows. */
  readonly empty: string;
}
