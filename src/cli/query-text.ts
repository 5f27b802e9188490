/** What a response looks like: for people, as `--short`, and as one JSON document. */

import { escapeText, safeJson } from './escape.ts';
import type { Asked } from './query.ts';
import type { Exchanged } from './query-exchange.ts';
import type { ExtendedError, Response, ResponseRecord } from './query-message.ts';

const DOCUMENT_VERSION = 1;

export function responseText(asked: Asked, got: Exchanged, response: Response): string {
  const { question, edns } = response;
  const server = `${asked.server.address} port ${asked.server.port}`;
  const lines = [
    `;; ${[asked.workload, asked.source].filter((part) => part !== null).join(', ')}`,
    `;; ${response.rcode}, id ${response.id}, flags: ${response.flags.join(' ')}`,
    ...response.errors.map((error) => `;; ${errorText(error)}`),
    edns === null
      ? ''
      : `;; EDNS version ${edns.version}, udp ${edns.udp}${edns.do ? ', flags: do' : ''}`,
    ';; question',
    `${question.name}  ${question.class}  ${question.type}`,
    ...section('answer', response.answer),
    ...section('authority', response.authority),
    ...section('additional', response.additional),
    `;; ${got.ms.toFixed(1)} ms, ${server} (${got.transport}), ${response.octets} octets`,
  ];
  return lines
    .filter((line) => line !== '' && line !== ';; ')
    .map((line) => `${escapeText(line)}\n`)
    .join('');
}

function section(title: string, records: readonly ResponseRecord[]): string[] {
  return records.length === 0 ? [] : [`;; ${title}`, ...alignedRecords(records)];
}

/** Owners and TTLs in columns; the data is the last one, so nothing is padded behind it. */
function alignedRecords(records: readonly ResponseRecord[]): string[] {
  const width = (key: 'name' | 'ttl' | 'type'): number =>
    Math.max(...records.map((record) => String(record[key]).length));
  const [name, ttl, type] = [width('name'), width('ttl'), width('type')];
  return records.map((record) =>
    [
      record.name.padEnd(name),
      String(record.ttl).padStart(ttl),
      record.class,
      record.type.padEnd(type),
      record.data,
    ].join('  '),
  );
}

/** `EDE 15 (Blocked): payments-api: not in its allowlist; ...` */
export function errorText({ code, name, text }: ExtendedError): string {
  return escapeText(`EDE ${code} (${name})${text === '' ? '' : `: ${text}`}`);
}

/** The data of the answers, one per line. */
export function shortText(response: Response): string {
  return response.answer.map(({ data }) => `${escapeText(data)}\n`).join('');
}

export function responseJson(asked: Asked, got: Exchanged, response: Response): string {
  const { errors, octets, ...rest } = response;
  const document = {
    version: DOCUMENT_VERSION,
    command: 'query',
    workload: asked.workload,
    source: asked.source,
    server: asked.server.address,
    port: asked.server.port,
    transport: got.transport.toLowerCase(),
    time_ms: Math.round(got.ms * 10) / 10,
    octets,
    ...rest,
    ede: errors,
  };
  return `${safeJson(document)}\n`;
}
