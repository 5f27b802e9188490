/**
 * A report as one page: one file that loads nothing, runs nothing, and can be printed, mailed and
 * kept. Everything is reached by keyboard; what it filters, it filters by style alone.
 */

import { columnsFor, type Figure, type Group, type Patch, type Report } from '../report.ts';
import { counted } from '../words.ts';
import { anchor, html } from './escape.ts';
import { STYLE } from './style.ts';
import { capital, type PageLook, type PageStyle, tableOf } from './table.ts';

/** No source of anything is allowed but the sheet within. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** With more groups than this there is a list of them. */
const INDEX_FROM = 3;
/** With more groups than this the list of them starts closed. */
const INDEX_OPEN = 30;

const MARK =
  '<svg width=22 height=22 viewBox="0 0 24 24" fill=none stroke=currentColor stroke-width=2.2 ' +
  'stroke-linecap=round stroke-linejoin=round aria-hidden=true>' +
  '<path d="M3 7v10l9-5zM21 7v10l-9-5zM12 12V5M8.5 5h7"/></svg>';

interface Section<Row> {
  readonly group: Group;
  readonly id: string;
  readonly rows: Row[];
}

/** The page part by part, without the line feed after each: a large one is never held whole. */
export function* pageParts<Row>(report: Report<Row>, style: PageStyle): Generator<string> {
  const sections = sectionsOf(report);
  const look = { style, columns: columnsFor(report, 'page') };
  const hasTones = report.columns.some(({ tone }) => tone !== undefined);
  yield* said([
    headOf(report.title),
    '<body><a class=skip href="#rows">To the rows</a>',
    headerOf(report, style),
    figuresOf(report.figures),
    notesOf(report.notes),
    report.drawing ?? '',
    '<main id=rows>',
    hasTones && report.rows.length > 0 ? filterBar() : '',
    sections.length > INDEX_FROM ? indexOf(sections) : '',
    report.rows.length === 0 ? `<p class=empty>${html(report.empty)}</p>` : '',
  ]);
  for (const section of sections) yield sectionOf(section, report, look);
  yield* (report.patches ?? []).filter((patch) => !isShownWith(patch, sections)).map(patchOf);
  yield* ['</main>', footerOf(report, style), '</body></html>'];
}

function said(parts: readonly string[]): readonly string[] {
  return parts.filter((part) => part !== '');
}

function headOf(title: string): string {
  return (
    `<!doctype html><html lang=en><head><meta charset=utf-8>` +
    `<meta http-equiv=Content-Security-Policy content="${POLICY}">` +
    '<meta name=viewport content="width=device-width,initial-scale=1">' +
    '<meta name=color-scheme content="light dark"><meta name=referrer content=no-referrer>' +
    `<title>${html(title)} · dnsvalve</title><style>${STYLE}</style></head>`
  );
}

function headerOf<Row>({ title, question, facts }: Report<Row>, style: PageStyle): string {
  const at = style.time(style.nowMs);
  const list = facts.map(([label, value]) => {
    return `<div><dt>${html(capital(label))}</dt><dd>${html(value)}</dd></div>`;
  });
  return (
    `<header><div class=brand>${MARK}dnsvalve<span>${html(at)}</span></div>` +
    `<h1>${html(title)}</h1><p class=question>${html(question)}</p>` +
    (list.length === 0 ? '' : `<dl class=facts>${list.join('')}</dl>`) +
    '</header>'
  );
}

function figuresOf(figures: readonly Figure[]): string {
  if (figures.length === 0) return '';
  const items = figures.map(({ label, value, tone, detail }) => {
    const small = detail === undefined ? '' : `<small>${html(detail)}</small>`;
    const name = tone === undefined ? '' : ` class=${tone}`;
    return `<li${name}><b>${html(value)}</b><span>${html(capital(label))}</span>${small}</li>`;
  });
  return `<ul class=figures aria-label="At a glance">${items.join('')}</ul>`;
}

function notesOf(notes: readonly string[]): string {
  if (notes.length === 0) return '';
  const items = notes.map((note) => `<li>${html(capital(note))}.</li>`);
  return `<aside class=notes><h2>To read it right</h2><ul>${items.join('')}</ul></aside>`;
}

function filterBar(): string {
  return (
    '<form class=bar><fieldset><legend>Show</legend>' +
    '<label><input type=radio name=show id=all checked>everything</label>' +
    '<label><input type=radio name=show id=only>what asks for attention</label>' +
    '</fieldset></form>'
  );
}

function sectionsOf<Row>({ rows, groupOf }: Report<Row>): Section<Row>[] {
  const sections: Section<Row>[] = [];
  for (const row of rows) {
    const group = groupOf(row);
    const last = sections.at(-1);
    if (last?.group.heading === group.heading) last.rows.push(row);
    else sections.push({ group, id: anchor(group.heading, sections.length), rows: [row] });
  }
  return sections;
}

function indexOf<Row>(sections: readonly Section<Row>[]): string {
  const items = sections.map(({ id, group, rows }) => {
    const link = `<a href="#${id}">${html(group.heading)}</a>`;
    return `<li>${link} <small>${rows.length}</small></li>`;
  });
  const open = sections.length <= INDEX_OPEN ? ' open' : '';
  const title = `Contents: ${sections.length}`;
  return (
    `<nav class=index aria-label=Contents><details${open}><summary>${title}</summary>` +
    `<ul>${items.join('')}</ul></details></nav>`
  );
}

function sectionOf<Row>(section: Section<Row>, report: Report<Row>, look: PageLook<Row>): string {
  const { group, id, rows } = section;
  const name = group.isName === true ? ' class=id' : '';
  const tags = group.details.map((text) => `<span class=tag>${html(text)}</span>`).join('');
  const count = `<span class="tag count">${counted(rows.length, 'row')}</span>`;
  const patches = (report.patches ?? []).filter(({ subject }) => subject === group.heading);
  return (
    `<section class=group aria-labelledby="${id}">` +
    `<h2 id="${id}"${name}>${html(group.heading)}${tags}${count}</h2>` +
    tableOf(rows, `${report.title}: ${group.heading}`, look) +
    `${patches.map(patchOf).join('')}</section>`
  );
}

function isShownWith<Row>({ subject }: Patch, sections: readonly Section<Row>[]): boolean {
  return sections.some(({ group }) => group.heading === subject);
}

function patchOf({ subject, text, byHand }: Patch): string {
  const lines = text.trimEnd().split('\n').map(diffLine).join('\n');
  const hand = byHand.map((line) => `<li>${html(line)}</li>`).join('');
  return (
    `<details class=patch><summary>Patch for ${html(subject)}</summary>` +
    (text === '' ? '' : `<pre>${lines}</pre>`) +
    `${hand === '' ? '' : `<p>By hand:</p><ul>${hand}</ul>`}</details>`
  );
}

function diffLine(line: string): string {
  if (/^(---|\+\+\+|@@)/.test(line)) return html(line);
  if (line.startsWith('+')) return `<ins>${html(line)}</ins>`;
  return line.startsWith('-') ? `<del>${html(line)}</del>` : html(line);
}

function footerOf<Row>({ command, rows }: Report<Row>, style: PageStyle): string {
  const made = html(style.time(style.nowMs));
  return (
    `<footer>${counted(rows.length, 'row')}, by <code>dnsvalve ${html(command)}</code> ` +
    `at ${made}. This page loads and runs nothing.</footer>`
  );
}
