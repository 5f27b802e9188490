import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { encoderFor } from '../../../src/alerts/formats/encode.ts';
import { retryAfter } from '../../../src/alerts/sinks/post.ts';
import { signature } from '../../../src/alerts/sinks/signature.ts';
import { WebhookSink } from '../../../src/alerts/sinks/webhook.ts';
import type { HttpsTarget } from '../../../src/config/sink-types.ts';
import { Authority } from '../pki.ts';
import { deniedAlert } from '../sample.ts';
import { range } from './collector.ts';

const WAIT = { timeout: 10_000, interval: 10 };
const SECRET = 'not much of a secret';
const cleanups: (() => Promise<void>)[] = [];
let authority: Authority;

beforeAll(() => {
  authority = new Authority();
  writeFileSync(join(authority.folder, 'secret'), `${SECRET}\n`);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
afterAll(() => authority.remove());

interface Request {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: string;
  readonly domains: readonly string[];
}

/** What the receiver does with its n-th request; 204 when it says nothing. */
type Answer = (request: Request, n: number, response: ServerResponse) => void;

async function receiver(answer: Answer = () => {}) {
  const { cert, key } = authority.issue('server', 'DNS:hooks.example');
  const requests: Request[] = [];
  const take = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of message) body += String(chunk);
    const { alerts } = JSON.parse(body) as { alerts: { registrable_domain: string }[] };
    const domains = alerts.map((one) => one.registrable_domain);
    const request = { headers: message.headers, path: message.url ?? '', body, domains };
    requests.push(request);
    response.statusCode = 204;
    answer(request, requests.length - 1, response);
    if (!response.destroyed) response.end();
  };
  const files = { cert: readFileSync(cert), key: readFileSync(key) };
  const server = createServer(files, (message, response) => void take(message, response));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

function openTo(port: number, target: Partial<HttpsTarget> = {}) {
  const said: string[] = [];
  const sink = new WebhookSink({
    name: 'hook',
    target: {
      kind: 'https',
      url: `https://hooks.example:${port}/alerts?from=gw1`,
      address: '127.0.0.1',
      tls: { ca: { kind: 'file', path: authority.ca }, cert: null, key: null },
      secret: { kind: 'file', path: join(authority.folder, 'secret') },
      batch: 4,
      ...target,
    },
    encode: encoderFor({ format: 'json', kind: 'https', facility: 20 }),
    report: (line) => said.push(line),
    backoff: { firstMs: 5, maxMs: 20, random: () => 0.5 },
  });
  cleanups.push(() => sink.close(0));
  return { sink, said };
}

function domainsOf(numbers: readonly number[]): string[] {
  return numbers.map((n) => `d${n}.example`);
}

describe('a webhook', () => {
  it('gets batches in order, each a JSON document, none larger than asked for', async () => {
    const { port, requests } = await receiver();
    const { sink } = openTo(port);
    for (const n of range(10)) sink.push(deniedAlert(n));
    await vi.waitFor(() => expect(sink.stats().sent).toBe(10), WAIT);
    expect(requests.flatMap(({ domains }) => domains)).toEqual(domainsOf(range(10)));
    expect(Math.max(...requests.map(({ domains }) => domains.length))).toBe(4);
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({ version: 1 });
    expect(requests[0]?.headers).toMatchObject({
      host: `hooks.example:${port}`,
      'content-type': 'application/json',
    });
    expect(requests[0]?.path).toBe('/alerts?from=gw1');
  });

  it('can check who sent it, and when', async () => {
    const { port, requests } = await receiver();
    const { sink } = openTo(port);
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(requests).toHaveLength(1), WAIT);
    const { headers, body } = requests[0] as Request;
    const [id, at] = [headers['webhook-id'], headers['webhook-timestamp']];
    const mac = createHmac('sha256', SECRET).update(`${id}.${at}.${body}`).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${mac}`);
    expect(Math.abs(Number(at) * 1000 - Date.now())).toBeLessThan(60_000);
  });

  const troubles: [string, Answer][] = [
    ['is overloaded', (_, __, response) => response.writeHead(503)],
    ['has forgotten us', (_, __, response) => response.writeHead(401)],
    ['wants us elsewhere', (_, __, response) => response.writeHead(302, { location: '/x' })],
    ['breaks the connection in the middle', (_, __, response) => void response.destroy()],
  ];
  it.each(troubles)('that %s gets the same batch again, with the same id', async (_, trouble) => {
    const { port, requests } = await receiver((request, n, response) => {
      if (n < 3) trouble(request, n, response);
    });
    const { sink, said } = openTo(port, { batch: 1 });
    for (const n of range(3)) sink.push(deniedAlert(n));
    await vi.waitFor(() => expect(sink.stats().sent).toBe(3), WAIT);
    expect(requests.map(({ domains }) => domains[0])).toEqual(domainsOf([0, 0, 0, 0, 1, 2]));
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(3);
    expect(new Set(requests.map(({ path }) => path))).toEqual(new Set(['/alerts?from=gw1']));
    expect(sink.stats()).toMatchObject({ dropped: 0, queued: 0 });
    expect(said).toHaveLength(2); // the trouble once, the recovery once
  });

  it('that refuses one alert for what it holds gets all others, in order', async () => {
    const { port, requests } = await receiver(({ domains }, _, response) => {
      if (domains.includes('d5.example')) response.writeHead(422);
    });
    const { sink, said } = openTo(port, { batch: 100 });
    for (const n of range(12)) sink.push(deniedAlert(n));
    await vi.waitFor(() => expect(sink.stats()).toMatchObject({ sent: 11, dropped: 1 }), WAIT);
    const taken = requests.filter(({ domains }) => !domains.includes('d5.example'));
    const others = range(12).filter((n) => n !== 5);
    expect(taken.flatMap(({ domains }) => domains)).toEqual(domainsOf(others));
    expect(said.join('\n')).toContain('refused an alert for good: HTTP 422');
  });

  it('is told nothing when its certificate is for another name', async () => {
    const { port, requests } = await receiver();
    const { sink } = openTo(port, { url: `https://other.example:${port}/` });
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(sink.stats().lastError).toContain('altnames'), WAIT);
    expect(requests).toEqual([]);
  });

  it('that is down at the end costs what was not delivered, counted', async () => {
    const { port } = await receiver((_, __, response) => response.writeHead(500));
    const { sink } = openTo(port);
    for (const n of range(3)) sink.push(deniedAlert(n));
    await sink.close(50);
    expect(sink.stats()).toMatchObject({ sent: 0, dropped: 3, queued: 0 });
  });
});

it('a signature is the one of the Standard Webhooks specification', () => {
  // The example of the specification's libraries: key, id, time and payload.
  const key = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const got = signature(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}');
  expect(got).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0);
  it.each([
    ['seconds', '120', 120_000],
    ['a date', 'Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['a date that has passed', 'Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['a day', '86400', 3_600_000],
    ['nonsense', 'soon', null],
    ['nothing', undefined, null],
  ])('%s', (_, text, ms) => {
    expect(retryAfter(text, now)).toBe(ms);
  });
});
