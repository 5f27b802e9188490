/**
 * A record as a dnstap payload (dnstap.proto of the dnstap project): CLIENT_QUERY or
 * CLIENT_RESPONSE, with the policy that decided. `extra` says in JSON what dnstap has no field for.
 */

import type { SocketAddress } from '../config/types.ts';
import {
  REASON_CHAIN,
  REASON_NETWORK,
  REASON_NONE,
  REASON_REBINDING,
  REASON_UNMAPPED,
} from '../events/kinds.ts';
import { addressToBytes } from '../native/addresses.ts';
import { HEADER_SIZE, NOERROR, NXDOMAIN } from '../wire/constants.ts';
import { KIND_QUERY, type TransportName } from './kinds.ts';
import { ProtobufWriter } from './protobuf.ts';
import type { Tapped } from './record.ts';

export const CONTENT_TYPE = 'protobuf:dnstap.Dnstap';

// Fields of Dnstap and its Message, and the numbers of their enums.
const IDENTITY = 1;
const VERSION = 2;
const EXTRA = 3;
const MESSAGE = 14;
const TYPE = 15;
const TYPE_MESSAGE = 1;
const MESSAGE_TYPE = 1;
const CLIENT_QUERY = 5;
const CLIENT_RESPONSE = 6;
const SOCKET_FAMILY = 2;
const INET = 1;
const INET6 = 2;
const SOCKET_PROTOCOL = 3;
const PROTOCOLS: Readonly<Record<TransportName, number>> = { udp: 1, tcp: 2, tls: 3, https: 4 };
const QUERY_ADDRESS = 4;
const RESPONSE_ADDRESS = 5;
const QUERY_PORT = 6;
const RESPONSE_PORT = 7;
const QUERY_TIME = 8;
const QUERY_MESSAGE = 10;
const RESPONSE_TIME = 12;
const RESPONSE_MESSAGE = 14;
const POLICY = 15;
// Policy.
const POLICY_TYPE = 1;
const POLICY_RULE = 2;
const POLICY_ACTION = 3;
const POLICY_MATCH = 4;
const POLICY_VALUE = 5;
const ACTION_NXDOMAIN = 1;
const ACTION_NODATA = 2;
const ACTION_PASS = 3;
const ACTION_DROP = 4;
const ACTION_LOCAL_DATA = 6;
const MATCH_QNAME = 1;
const MATCH_CLIENT_IP = 2;
const MATCH_RESPONSE_IP = 3;

const POLICY_NAME = Buffer.from('dnsvalve');
const IPV4_AT = 12;

export interface DnstapSource {
  readonly identity: string;
  readonly version: string;
  readonly listen: readonly SocketAddress[];
}

/** What is known of the own end of a family without looking at a query. */
interface OwnEnd {
  /** As dnstap has it; null where there are several, or all of the machine's. */
  readonly address: Buffer | null;
  /** 0 where there are several. */
  readonly port: number;
}

export class DnstapEncoder {
  readonly #identity: Buffer;
  readonly #version: Buffer;
  readonly #own: Readonly<Record<4 | 6, OwnEnd>>;
  readonly #payload = new ProtobufWriter();
  readonly #message = new ProtobufWriter();
  readonly #policy = new ProtobufWriter();

  constructor({ identity, version, listen }: DnstapSource) {
    this.#identity = Buffer.from(identity);
    this.#version = Buffer.from(version);
    this.#own = { 4: ownEnd(listen, 4), 6: ownEnd(listen, 6) };
  }

  /** One payload; valid until the next call. */
  encode(tapped: Tapped): Buffer {
    this.#writeMessage(tapped);
    const payload = this.#payload;
    payload.reset();
    payload.octets(IDENTITY, this.#identity);
    payload.octets(VERSION, this.#version);
    payload.octets(EXTRA, Buffer.from(extraOf(tapped)));
    payload.octets(MESSAGE, this.#message.written);
    payload.number(TYPE, TYPE_MESSAGE);
    return payload.written;
  }

  #writeMessage(tapped: Tapped): void {
    const isQuery = tapped.kind === KIND_QUERY;
    const message = this.#message;
    message.reset();
    message.number(MESSAGE_TYPE, isQuery ? CLIENT_QUERY : CLIENT_RESPONSE);
    message.number(SOCKET_FAMILY, tapped.isIpv6 ? INET6 : INET);
    message.number(SOCKET_PROTOCOL, PROTOCOLS[tapped.transport]);
    message.octets(QUERY_ADDRESS, address(tapped, tapped.source));
    const own = this.#own[tapped.isIpv6 ? 6 : 4];
    const local = tapped.local === null ? own.address : address(tapped, tapped.local);
    if (local !== null) message.octets(RESPONSE_ADDRESS, local);
    message.number(QUERY_PORT, tapped.port);
    if (own.port !== 0) message.number(RESPONSE_PORT, own.port);
    writeTime(message, QUERY_TIME, tapped.receivedMs);
    if (isQuery) {
      message.octets(QUERY_MESSAGE, tapped.message);
    } else {
      writeTime(message, RESPONSE_TIME, tapped.writtenMs);
      message.octets(RESPONSE_MESSAGE, tapped.message);
    }
    if (tapped.reason !== REASON_NONE) {
      this.#writePolicy(tapped);
      message.octets(POLICY, this.#policy.written);
    }
  }

  #writePolicy(tapped: Tapped): void {
    const policy = this.#policy;
    policy.reset();
    policy.octets(POLICY_TYPE, POLICY_NAME);
    if (tapped.rule !== null) policy.octets(POLICY_RULE, Buffer.from(tapped.rule));
    const action = actionOf(tapped);
    if (action !== null) policy.number(POLICY_ACTION, action);
    const match = matchOf(tapped.reason);
    if (match !== null) policy.number(POLICY_MATCH, match);
    if (match === MATCH_QNAME) policy.octets(POLICY_VALUE, tapped.name);
    if (match === MATCH_CLIENT_IP) policy.octets(POLICY_VALUE, address(tapped, tapped.source));
  }
}

function ownEnd(listen: readonly SocketAddress[], family: 4 | 6): OwnEnd {
  const ours = listen.filter((socket) => socket.family === family);
  const ports = new Set(ours.map(({ port }) => port));
  const addresses = new Set(ours.map((socket) => socket.address));
  const octets = Buffer.alloc(16);
  const [first] = ours;
  if (first === undefined) return { address: null, port: 0 };
  const isKnown =
    addresses.size === 1 &&
    addressToBytes(first.address, octets, 0) &&
    octets.subarray(IPV4_AT).some((octet) => octet !== 0);
  const address = family === 6 ? octets : octets.subarray(IPV4_AT);
  return { address: isKnown ? address : null, port: ports.size === 1 ? first.port : 0 };
}

/** The sockets of a dual-stack listener speak IPv6 with mapped addresses only to the kernel. */
function address({ isIpv6 }: Tapped, octets: Buffer): Buffer {
  return isIpv6 ? octets : octets.subarray(IPV4_AT);
}

function writeTime(message: ProtobufWriter, field: number, ms: number): void {
  message.number(field, Math.floor(ms / 1000));
  message.fixed32(field + 1, (ms % 1000) * 1e6);
}

/** Null where a query is denied but the response is not seen yet, and for REFUSED. */
function actionOf({ verdict, kind, message }: Tapped): number | null {
  if (verdict === 'allowed') return ACTION_PASS;
  if (verdict === 'dropped') return ACTION_DROP;
  if (kind === KIND_QUERY || message.length < HEADER_SIZE) return null;
  const rcode = (message[3] ?? 0) & 15;
  if (rcode === NXDOMAIN) return ACTION_NXDOMAIN;
  if (rcode !== NOERROR) return null;
  return message.readUInt16BE(6) > 0 ? ACTION_LOCAL_DATA : ACTION_NODATA;
}

/** What the rule is about; dnstap has no word for the names that an answer's chain leads to. */
function matchOf(reason: number): number | null {
  if (reason === REASON_UNMAPPED) return MATCH_CLIENT_IP;
  if (reason === REASON_REBINDING || reason === REASON_NETWORK) return MATCH_RESPONSE_IP;
  return reason === REASON_CHAIN ? null : MATCH_QNAME;
}

function extraOf(tapped: Tapped): string {
  return JSON.stringify({
    version: 1,
    workload: tapped.workload,
    verdict: tapped.verdict,
    would_deny: tapped.wouldDeny,
    mode: tapped.mode,
    reason: tapped.reasonWord,
    rule: tapped.rule,
    policy_revision: tapped.revision === 0 ? null : tapped.revision,
  });
}
