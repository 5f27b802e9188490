/** Flows as graphs that other programs draw: Graphviz DOT and Mermaid. */

import { escapeText } from '../cli/escape.ts';
import type { Flow } from './flows.ts';
import { thousands } from './words.ts';

/** `dot -Tsvg` draws it from left to right. */
export function dotOf(flows: readonly Flow[]): string {
  const lines = flows.map(({ workload, domain, queries, rhythm }) => {
    const width = lineWidth(queries).toFixed(1);
    const style = rhythm === 'steady' ? 'solid' : 'dashed';
    const label = `label=${dotText(thousands(queries))}, penwidth=${width}, style=${style}`;
    return `  ${dotText(`w ${workload}`)} -> ${dotText(`d ${domain}`)} [${label}];`;
  });
  const nodes = [
    ...unique(flows.map(({ workload }) => workload)).map(
      (name) => `  ${dotText(`w ${name}`)} [label=${dotText(name)}, shape=box];`,
    ),
    ...unique(flows.map(({ domain }) => domain)).map(
      (name) => `  ${dotText(`d ${name}`)} [label=${dotText(name)}, shape=ellipse];`,
    ),
  ];
  const head = ['digraph flows {', '  rankdir=LR;', '  node [fontname="sans-serif"];'];
  return `${[...head, ...nodes, ...lines, '}'].join('\n')}\n`;
}

/** For pages that render Mermaid. */
export function mermaidOf(flows: readonly Flow[]): string {
  const workloads = unique(flows.map(({ workload }) => workload));
  const domains = unique(flows.map(({ domain }) => domain));
  const lines = flows.map(({ workload, domain, queries, rhythm }) => {
    const arrow = rhythm === 'steady' ? '-->' : '-.->';
    const from = `w${workloads.indexOf(workload)}`;
    return `  ${from} ${arrow}|${thousands(queries)}| d${domains.indexOf(domain)}`;
  });
  return `${[
    'flowchart LR',
    ...workloads.map((name, i) => `  w${i}["${mermaidText(name)}"]`),
    ...domains.map((name, i) => `  d${i}(["${mermaidText(name)}"])`),
    ...lines,
  ].join('\n')}\n`;
}

/** 1 to 8, by the order of magnitude. */
export function lineWidth(queries: number): number {
  return Math.min(8, 1 + Math.log10(Math.max(1, queries)));
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

function dotText(text: string): string {
  return `"${escapeText(text).replace(/[\\"]/g, '\\$&')}"`;
}

/** Nothing of a name is markup there: what is not plain becomes a number. */
function mermaidText(text: string): string {
  return escapeText(text).replace(/[^A-Za-z0-9._ ()*-]/gu, (c) => `#${c.codePointAt(0)};`);
}
