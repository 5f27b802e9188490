/**
 * Which octets a sink gets: the format of its entry in the configuration, in the frame that its
 * kind needs. The formats themselves stand in files of their own.
 */

import type { Format } from '../../config/formats.ts';
import type { SinkTarget } from '../../config/sink-types.ts';
import type { Alert } from '../alert.ts';
import { documentEncoder, MESSAGE_MAX, messageEncoder } from '../rfc5424.ts';
import type { Encode } from '../sinks/sink.ts';
import { cef } from './cef.ts';
import { ecs } from './ecs.ts';
import { ocsf } from './ocsf.ts';
import { header3164, rfc3164 } from './rfc3164.ts';
import { fitted, type Machine, thisMachine, type Write } from './shared.ts';

const json: Write = (alert) => JSON.stringify(alert);

/** Formats that are documents by themselves; the others are syslog messages. */
const DOCUMENTS: Partial<Record<Format, Write>> = {
  json,
  cef,
  ecs,
  ocsf,
};

/** A document that no syslog frame bounds. */
const DOCUMENT_MAX = 65_536;

export interface EncodeOptions {
  readonly format: Format;
  readonly kind: SinkTarget['kind'];
  /** 0..23. */
  readonly facility: number;
}

const encoder = new TextEncoder();

/** An encoder for one sink; those with a sequence number start at 1. */
export function encoderFor(options: EncodeOptions, machine: Machine = thisMachine()): Encode {
  const { format, facility, kind } = options;
  const document = DOCUMENTS[format];
  if (kind !== 'unix' && !kind.startsWith('syslog')) {
    // A file has a line each; what carries one document at a time needs no line end.
    const end = kind === 'file' ? '\n' : '';
    const write = document ?? json;
    return lines((alert) => `${fitted(alert, DOCUMENT_MAX, (one) => write(one, machine))}${end}`);
  }
  if (format === 'rfc3164') return lines((alert) => rfc3164(alert, machine, facility));
  if (format === 'cef') return lines((alert) => cefMessage(alert, machine, facility));
  const message = { facility, hostname: machine.hostname, pid: machine.pid };
  if (document === undefined) return messageEncoder(message);
  return documentEncoder(message, (alert, max) =>
    fitted(alert, max, (one) => document(one, machine)),
  );
}

/** CEF is at home behind the old header. */
function cefMessage(alert: Alert, machine: Machine, facility: number): string {
  const header = `${header3164(alert, machine, facility)} `;
  return header + fitted(alert, MESSAGE_MAX - header.length, (one) => cef(one, machine));
}

function lines(write: (alert: Alert) => string): Encode {
  return (alert) => encoder.encode(write(alert));
}
