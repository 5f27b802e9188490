/** Downloads of feeds against a real HTTP server that behaves, misbehaves and goes away. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Feed } from '../../src/config/types.ts';
import { ProblemsError } from '../../src/errors.ts';
import { Rules } from '../../src/policy/rules.ts';
import { FeedSet, type FeedSetOptions } from '../../src/reputation/refresh.ts';
import { delayAfterFailure, delayAfterSuccess } from '../../src/reputation/schedule.ts';
import { Reputation, VET_DENY, VET_NOTHING } from '../../src/reputation/vet.ts';
import { feedOf, vet } from './support.ts';

const LIST = 'bad1.test\nbad2.test\nbad3.test\nbad4.test\n';
const hashKey = { k0: 0x243f6a88, k1: 0x85a308d3 };

let directory: string;
let server: Server;
let answer: RequestListener;
let requests: IncomingMessage[];
let url: string;
let sets: FeedSet[];
let wall: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'feeds-'));
  requests = [];
  sets = [];
  wall = 1_000_000;
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/list.txt`;
});

afterEach(async () => {
  vi.unstubAllGlobals();
  for (const set of sets) await set.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

function setOf(source: Feed['source'], options: Partial<FeedSetOptions> = {}): FeedSet {
  const feed = { ...feedOf({ text: '' }), name: 'nrd', source };
  const set = new FeedSet([feed], {
    stateDirectory: directory,
    hashKey,
    wallMs: () => wall,
    ...options,
  });
  sets.push(set);
  return set;
}

const ofUrl = (options: Partial<FeedSetOptions> = {}): FeedSet =>
  setOf({ kind: 'url', url }, options);

function send(body: string | Uint8Array, headers: Record<string, string> = {}): RequestListener {
  return (_, response) => response.writeHead(200, headers).end(body);
}

async function ask(set: FeedSet, name: string): Promise<number> {
  const { memory } = await set.compile(new Rules());
  return vet(new Reputation(memory), name).result;
}

describe('a download', () => {
  it('is kept, used, and asked for again with its validators', async () => {
    const lastModified = 'Mon, 23 Nov 2026 08:00:00 GMT';
    answer = send(LIST, { etag: '"v1"', 'last-modified': lastModified });
    const set = ofUrl();
    expect(await set.refresh('nrd')).toBe(true);
    expect(await ask(set, 'bad1.test')).toBe(VET_DENY);
    wall += 5_000;
    expect(set.statuses()).toMatchObject([
      { entries: 4, bytes: LIST.length, ageMs: 5_000, lastError: null, source: url },
    ]);

    answer = (_, response) => response.writeHead(304).end();
    expect(await set.refresh('nrd')).toBe(false);
    expect(requests[1]?.headers).toMatchObject({
      'if-none-match': '"v1"',
      'if-modified-since': lastModified,
    });
    expect(set.statuses()).toMatchObject([{ entries: 4, ageMs: 0, lastError: null }]);

    const restarted = ofUrl();
    await restarted.compile(new Rules());
    expect(restarted.statuses()).toMatchObject([{ entries: 4, ageMs: 0 }]);
  });

  it('may come compressed', async () => {
    answer = send(gzipSync(LIST), { 'content-encoding': 'gzip' });
    const set = ofUrl();
    expect(await set.refresh('nrd')).toBe(true);
    expect(await ask(set, 'a.bad4.test')).toBe(VET_DENY);
  });

  it('leaves no temporary file', async () => {
    answer = send(LIST);
    await ofUrl().refresh('nrd');
    expect(readdirSync(join(directory, 'feeds')).sort()).toEqual(['nrd.json', 'nrd.list']);
  });

  it('may shrink to half', async () => {
    const set = ofUrl();
    answer = send(LIST);
    await set.refresh('nrd');
    answer = send('bad1.test\nbad9.test\n');
    expect(await set.refresh('nrd')).toBe(true);
    expect(await ask(set, 'bad9.test')).toBe(VET_DENY);
  });
});

describe('a download that must not replace the last good one', () => {
  interface Row {
    readonly name: string;
    readonly answer: RequestListener;
    readonly error: string | RegExp;
    readonly options?: Partial<FeedSetOptions>;
  }
  const endless = (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200);
    const drip = setInterval(() => response.write('bad1.test\n'), 10);
    response.once('close', () => clearInterval(drip));
  };
  const rows: readonly Row[] = [
    {
      name: 'under half',
      answer: send('bad1.test\n'),
      error: '1 entries, under half of the last good 4',
    },
    { name: 'empty', answer: send(''), error: 'the list is empty' },
    { name: 'comments only', answer: send('# moved\n'), error: 'no line of it is an entry' },
    {
      name: 'a web page',
      answer: send('\n<!DOCTYPE html><p>log in'),
      error: 'a web page, not a list',
    },
    {
      name: 'over the size limit',
      answer: send('x'.repeat(101)),
      error: 'larger than 100 octets',
      options: { octetsMax: 100 },
    },
    {
      name: 'over the size limit once unpacked',
      answer: send(gzipSync('x'.repeat(9999)), { 'content-encoding': 'gzip' }),
      error: 'larger than 100 octets',
      options: { octetsMax: 100 },
    },
    {
      name: 'never complete',
      answer: endless,
      error: 'not complete after 200 ms',
      options: { timeoutMs: 200 },
    },
    {
      name: 'cut off',
      answer: (_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('bad1.test\n');
        response.destroy();
      },
      error: /^fetching .*: (?!fetch failed)./,
    },
    {
      name: 'not there',
      answer: (_, response) => response.writeHead(404).end('bad1.test'),
      error: 'the server answered 404',
    },
    {
      name: 'broken compression',
      answer: send('bad1.test', { 'content-encoding': 'gzip' }),
      error: /incorrect header check/,
    },
  ];
  for (const row of rows) {
    it(row.name, async () => {
      answer = send(LIST);
      await ofUrl().refresh('nrd');
      answer = row.answer;
      const set = ofUrl(row.options);
      await expect(set.refresh('nrd')).rejects.toThrow(row.error);
      expect(set.statuses()[0]?.lastError).toMatch(row.error);
      expect(await ask(set, 'bad4.test')).toBe(VET_DENY);
      expect(set.statuses()[0]).toMatchObject({ entries: 4 });
    });
  }

  it('an unchanged without anything to compare it with', async () => {
    answer = (_, response) => response.writeHead(304).end();
    await expect(ofUrl().refresh('nrd')).rejects.toThrow('the server answered 304');
  });

  it('a redirect from https to http', async () => {
    const response = Object.defineProperty(new Response(LIST), 'url', { value: 'http://a.test/' });
    vi.stubGlobal('fetch', async () => response);
    const set = setOf({ kind: 'url', url: 'https://a.test/' });
    await expect(set.refresh('nrd')).rejects.toThrow('redirected to http://a.test/');
  });
});

describe('the last good copy', () => {
  it('serves a start without network', async () => {
    answer = send(LIST);
    await ofUrl().refresh('nrd');
    wall += 60_000;
    const set = ofUrl();
    expect(await ask(set, 'bad1.test')).toBe(VET_DENY);
    expect(set.statuses()).toMatchObject([{ entries: 4, ageMs: 60_000, lastError: null }]);
  });

  it('of another URL is not used', async () => {
    answer = send(LIST);
    await ofUrl().refresh('nrd');
    const set = setOf({ kind: 'url', url: `${url}2` });
    expect(await ask(set, 'bad1.test')).toBe(VET_NOTHING);
    answer = send('bad1.test\n');
    expect(await set.refresh('nrd')).toBe(true);
  });

  it('that is damaged is fetched again', async () => {
    answer = send(LIST, { etag: '"v1"' });
    await ofUrl().refresh('nrd');
    writeFileSync(join(directory, 'feeds', 'nrd.json'), '{"url":');
    expect(await ofUrl().refresh('nrd')).toBe(true);
    expect(requests[1]?.headers['if-none-match']).toBeUndefined();
  });

  it('missing is an empty list that says so', async () => {
    const set = ofUrl();
    expect(await ask(set, 'bad1.test')).toBe(VET_NOTHING);
    expect(set.statuses()).toMatchObject([
      { entries: 0, ageMs: null, lastError: 'not fetched yet, and no earlier copy is kept' },
    ]);
  });
});

describe('the clock', () => {
  it('fetches at once what was never fetched, and tells', async () => {
    answer = send(LIST);
    const set = ofUrl();
    const changed = await new Promise<string>((resolve) => {
      void set.start(async (feed) => resolve(feed));
    });
    expect(changed).toBe('nrd');
    expect(await ask(set, 'bad1.test')).toBe(VET_DENY);
  });

  it('tries again after a failure, and clears the error', async () => {
    const feed = { ...feedOf({ text: '' }), name: 'nrd', refreshMs: 20 };
    const set = new FeedSet([{ ...feed, source: { kind: 'url', url } }], {
      stateDirectory: directory,
      hashKey,
    });
    sets.push(set);
    answer = (_, response) => {
      if (requests.length < 3) response.writeHead(503).end();
      else send(LIST)(requests[0] as IncomingMessage, response as never);
    };
    await new Promise<void>((resolve) => {
      void set.start(async () => resolve());
    });
    expect(requests.length).toBeGreaterThanOrEqual(3);
    expect(set.statuses()[0]?.lastError).toBeNull();
  });

  it('stops in the middle of a download, and does not go on', async () => {
    let delays = 0;
    const random = (): number => {
      delays++;
      return 0;
    };
    const asked = new Promise<void>((resolve) => {
      answer = (_, response) => {
        response.writeHead(200).write('bad1.test\n');
        resolve();
      };
    });
    const feed = { ...feedOf({ text: '' }), source: { kind: 'url', url }, refreshMs: 1 } as const;
    const set = new FeedSet([feed], { stateDirectory: directory, hashKey, random });
    await set.start(async () => {});
    await asked;
    await set.stop();
    await vi.waitUntil(() => set.statuses()[0]?.lastError?.includes('aborted'));
    answer = send(LIST);
    for (let i = 0; i < 10; i++) await fetch(url);
    expect(delays).toBeLessThanOrEqual(1);
  });

  it('is stopped by an owner that holds back the news', async () => {
    answer = send(LIST);
    const set = ofUrl();
    let stopped: Promise<void> | undefined;
    const told = new Promise<void>((resolve) => {
      void set.start(async () => {
        stopped = set.stop();
        await stopped;
        resolve();
      });
    });
    await told;
    expect(stopped).toBeDefined();
  });

  it('waits about the refresh after success, and doubles from 30 s after failures', () => {
    expect(delayAfterSuccess(1000, 0)).toBe(900);
    expect(delayAfterSuccess(1000, 1)).toBeCloseTo(1100);
    expect(delayAfterSuccess(2 ** 40, 1)).toBe(2 ** 31 - 1);
    const hour = 3_600_000;
    const longest = [1, 2, 3, 20, 1000].map((n) => delayAfterFailure(n, hour, 1));
    expect(longest).toEqual([30_000, 60_000, 120_000, hour, hour]);
    expect(delayAfterFailure(1, hour, 0)).toBe(15_000);
  });
});

describe('files and inline lists', () => {
  it('a file is read again at each compile', async () => {
    const path = join(directory, 'list.txt');
    const set = setOf({ kind: 'file', path });
    writeFileSync(path, 'bad1.test\n');
    expect(await ask(set, 'bad2.test')).toBe(VET_NOTHING);
    writeFileSync(path, LIST);
    expect(await ask(set, 'bad2.test')).toBe(VET_DENY);
  });

  it('an inline list is its entries', async () => {
    const set = setOf({ kind: 'inline', entries: ['bad1.test', '*.bad2.test'] });
    expect(await ask(set, 'bad1.test')).toBe(VET_DENY);
    expect(set.statuses()).toMatchObject([{ entries: 2, source: 'inline', lastError: null }]);
  });

  it('a file that is missing is a problem at the feed', async () => {
    const path = join(directory, 'none.txt');
    const error = await setOf({ kind: 'file', path })
      .compile(new Rules())
      .catch((e) => e);
    expect(error).toBeInstanceOf(ProblemsError);
    expect(error.message).toMatch(
      /^main\.yaml:7:3: feeds\.nrd\.source: .*none\.txt: cannot be read: ENOENT/,
    );
  });

  it('a file without a usable line is a problem that shows the first line', async () => {
    const path = join(directory, 'list.txt');
    writeFileSync(path, '<html>\n');
    const error = await setOf({ kind: 'file', path })
      .compile(new Rules())
      .catch((e) => e);
    expect(error).toBeInstanceOf(ProblemsError);
    expect(error.message).toContain(
      'no line is an entry of a list in plain format; line 1: "<html>"',
    );
  });

  it('an empty file is an empty list', async () => {
    const path = join(directory, 'list.txt');
    writeFileSync(path, '');
    expect(await ask(setOf({ kind: 'file', path }), 'bad1.test')).toBe(VET_NOTHING);
  });

  it('only a URL can be refreshed', async () => {
    const set = setOf({ kind: 'inline', entries: ['bad1.test'] });
    await expect(set.refresh('nrd')).rejects.toThrow('no feed of that name with a URL');
    await expect(set.refresh('none')).rejects.toThrow('no feed of that name with a URL');
  });
});
