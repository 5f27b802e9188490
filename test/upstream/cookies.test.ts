/** Our cookies towards servers (RFC 7873 5.3): fake ones with tricks, and BIND on both sides. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { askOnce, type Endpoint } from '../support/client.ts';
import { optOctets, readMessage } from '../support/message.ts';
import { freePort, lacks, makeFolder, Program, until } from '../support/processes.ts';
import { COOKIE, response } from '../support/records.ts';
import { BACKENDS as VALVE_BACKENDS, Valve } from '../support/valve.ts';
import { type Asked, addressRecord, answerTo } from './fake-server.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';
import { closeAll, good, honest, keep, serve, statsOf } from './steps.ts';

const [FORMERR, BADCOOKIE] = [1, 23];
const THEIRS = Buffer.from('server cookie 16');

/** The cookie that a query had, or null. */
function cookieOf({ message }: Asked): Buffer | null {
  const found = readMessage(message).opt?.options.find(({ code }) => code === COOKIE);
  return found?.data ?? null;
}

/** The honest answer with an OPT record and a cookie in it, or none. */
function withCookie(asked: Asked, cookie: Uint8Array | null, rcode = 0, last = 1): Buffer {
  const options = cookie === null ? [] : [{ code: COOKIE, data: cookie }];
  const opt = optOctets({ options });
  opt.writeUInt8(rcode >>> 4, 5);
  return response(asked, {
    rcode: rcode & 15,
    answers: rcode === 0 ? [addressRecord(last)] : [],
    additionals: [opt],
  });
}

function whole(asked: Asked, server: Uint8Array = THEIRS): Buffer {
  return Buffer.concat([cookieOf(asked)?.subarray(0, 8) ?? Buffer.alloc(8), server]);
}

const full = (asked: Asked): void => asked.reply(withCookie(asked, whole(asked)));

afterEach(closeAll);

describe.each(BACKENDS)('through %s sockets', (backend) => {
  it('the client cookie is of eight octets, and the server cookie comes back', async () => {
    const server = await serve(full);
    const rig = keep(await Rig.open(planOf([server]), backend));
    await rig.ask('one.test');
    await rig.ask('two.test');
    const [first, second] = server.asked.map(cookieOf);
    expect(first?.length).toBe(8);
    expect(second).toEqual(Buffer.concat([first ?? THEIRS, THEIRS]));
  });

  it('each server has a client cookie of its own, which is drawn anew every hour', async () => {
    const [one, other] = [await serve(full), await serve(full)];
    const rig = keep(await Rig.open(planOf([one], [other]), backend));
    await rig.ask('a.test', 1, 0, 0);
    await rig.ask('b.test', 1, 0, 1);
    rig.pass(3_600_000);
    await rig.ask('c.test', 1, 0, 0);
    const cookies = [...one.asked, ...other.asked].map((asked) => cookieOf(asked)?.toString('hex'));
    // A probe of the other server may be among them.
    expect(new Set(cookies.filter((cookie) => cookie?.length === 16)).size).toBe(3);
  });

  it('a server without cookies goes on working, with an OPT record and without', async () => {
    for (const handler of [good, (asked: Asked) => asked.reply(withCookie(asked, null))]) {
      const server = await serve(handler);
      const rig = keep(await Rig.open(planOf([server]), backend));
      for (const name of ['a.test', 'b.test', 'c.test']) {
        expect(await rig.ask(name)).toMatchObject({ kind: 'answer', rcode: 0 });
      }
      expect(statsOf(rig)).toMatchObject({ sent: 3, tcp: 0, mismatches: 0 });
    }
  });

  const forgeries: readonly (readonly [string, (asked: Asked) => Buffer])[] = [
    ['no OPT record', (asked) => answerTo(asked, { answers: [addressRecord(66)] })],
    ['no cookie', (asked) => withCookie(asked, null, 0, 66)],
    ['another client cookie', (asked) => withCookie(asked, Buffer.alloc(24, 6), 0, 66)],
    ['a cookie of 12 octets', (asked) => withCookie(asked, whole(asked).subarray(0, 12), 0, 66)],
    [
      'a cookie behind a foreign one',
      (asked) => {
        const options = [Buffer.alloc(24, 6), whole(asked)].map((data) => ({ code: COOKIE, data }));
        const answers = [addressRecord(66)];
        return response(asked, { answers, additionals: [optOctets({ options })] });
      },
    ],
  ];

  it.each(forgeries)('once it sends them, an answer with %s is ignored', async (_, forge) => {
    const server = await serve(full);
    const rig = keep(await Rig.open(planOf([server]), backend));
    await rig.ask('first.test');
    server.handler = (asked) => {
      if (asked.connection === null) asked.reply(forge(asked));
      full(asked);
    };
    const outcome = await rig.ask('second.test');
    expect(outcome.kind === 'answer' && outcome.octets.includes(addressRecord(1))).toBe(true);
    expect(statsOf(rig)).toMatchObject({ mismatches: 1, state: 'closed' });
  });

  it('a server that stops sending them is found out over TCP, and believed after', async () => {
    const server = await serve(full);
    const rig = keep(await Rig.open(planOf([server]), backend));
    await rig.ask('first.test');
    server.handler = good;
    expect(await rig.ask('second.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(statsOf(rig).tcp).toBe(1);
    expect(await rig.ask('third.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(statsOf(rig)).toMatchObject({ tcp: 1, mismatches: 1 });
  });

  it('one that garbles our cookie, over TCP too, is asked without', async () => {
    const server = await serve((asked) => {
      asked.reply(withCookie(asked, cookieOf(asked) === null ? null : Buffer.alloc(24, 6)));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('first.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(await rig.ask('second.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(server.asked.map((asked) => cookieOf(asked) === null)).toEqual([false, false, true]);
  });

  it('BADCOOKIE is asked again with the new cookie', async () => {
    const server = await serve((asked) => {
      const isNew = cookieOf(asked)?.subarray(8).equals(THEIRS) === true;
      asked.reply(withCookie(asked, whole(asked), isNew ? 0 : BADCOOKIE));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('first.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(statsOf(rig)).toMatchObject({ sent: 2, tcp: 0 });
  });

  it('BADCOOKIE without end is asked once again, then over TCP', async () => {
    const server = await serve((asked) => {
      asked.reply(withCookie(asked, whole(asked), asked.connection === null ? BADCOOKIE : 0));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('first.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(statsOf(rig)).toMatchObject({ sent: 2, tcp: 1 });
  });

  it('BADCOOKIE over TCP too ends in a failure, not in a loop', async () => {
    const server = await serve((asked) => asked.reply(withCookie(asked, whole(asked), BADCOOKIE)));
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('first.test')).toMatchObject({ kind: 'failure' });
    expect(server.asked.length).toBe(3);
  });

  it('a server that calls the option a FORMERR is asked with an OPT and no cookie', async () => {
    const server = await serve((asked) => {
      const rcode = cookieOf(asked) === null ? 0 : FORMERR;
      asked.reply(withCookie(asked, null, rcode));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    expect(await rig.ask('first.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(await rig.ask('second.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    const opts = server.asked.map(({ message }) => readMessage(message).opt !== null);
    expect(opts).toEqual([true, true, true]);
    expect(server.asked.map((asked) => cookieOf(asked) !== null)).toEqual([true, false, false]);
  });

  it('where only queries with a cookie are lost, they go without after two of them', async () => {
    const server = await serve((asked) => {
      if (cookieOf(asked) === null) asked.reply(honest(asked));
    });
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = rig.ask('first.test');
    await server.received(1);
    rig.pass(250);
    await server.received(2);
    rig.pass(500);
    expect(await outcome).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(await rig.ask('second.test')).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(server.asked.map((asked) => cookieOf(asked) !== null)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

const ZONE = `$ORIGIN up.test.
$TTL 1
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
* A 192.0.2.80
`;

/** @param clauses inside `options`; @param zones after them */
async function startNamed(clauses: string, zones: string): Promise<Endpoint & { end(): void }> {
  const folder = makeFolder();
  const port = await freePort();
  writeFileSync(join(folder, 'up.test.zone'), ZONE);
  const conf = `options {
  directory "${folder}"; pid-file none; session-keyfile none; listen-on-v6 { none; };
  listen-on port ${port} { 127.0.0.1; }; dnssec-validation no; ${clauses}
};
controls { };
${zones}`;
  writeFileSync(join(folder, 'named.conf'), conf);
  const program = new Program('named', ['-g', '-n', '1', '-c', join(folder, 'named.conf')]);
  const endpoint = { address: '127.0.0.1', port };
  await until('named answers', () =>
    askOnce('tcp', endpoint, '127.0.0.1', { name: 'x.up.test' }).catch(() => null),
  );
  return { ...endpoint, end: () => void program.stop() };
}

describe.skipIf(lacks('named'))('beside BIND', () => {
  const zones = 'zone "up.test" { type primary; file "up.test.zone"; };';

  it.each(BACKENDS)('that requires cookies: one more query, then none (%s)', async (backend) => {
    const named = await startNamed('recursion no; require-server-cookie yes;', zones);
    const rig = keep(await Rig.open(planOf([named]), backend));
    for (const name of ['a.up.test', 'b.up.test', 'c.up.test']) {
      expect(await rig.ask(name)).toMatchObject({ kind: 'answer', rcode: 0 });
    }
    expect(statsOf(rig)).toMatchObject({ sent: 4, tcp: 0, mismatches: 0 });
    named.end();
  });

  it.each(BACKENDS)('that answers none: as ever (%s)', async (backend) => {
    const named = await startNamed('recursion no; answer-cookie no;', zones);
    const rig = keep(await Rig.open(planOf([named]), backend));
    for (const name of ['a.up.test', 'b.up.test']) {
      expect(await rig.ask(name)).toMatchObject({ kind: 'answer', rcode: 0 });
    }
    expect(statsOf(rig)).toMatchObject({ sent: 2, tcp: 0, mismatches: 0 });
    named.end();
  });

  it.each(VALVE_BACKENDS)('as a client of ours that must show a cookie (%s)', async (backend) => {
    const upstream = await serve(good);
    const valve = await Valve.start({
      backend,
      config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
cookies: { required: all }
workloads: { client: { sources: [127.0.0.0/8], allow: [.up.test] } }
`,
    });
    const forward = `forward only; forwarders { 127.0.0.1 port ${valve.port}; };`;
    const named = await startNamed(`recursion yes; ${forward}`, '');
    for (const name of ['a.up.test', 'b.up.test', 'c.up.test']) {
      const got = await askOnce('udp', named, '127.0.0.1', { name });
      expect([got.rcode, got.answers.length]).toEqual([0, 1]);
    }
    const { counters } = await valve.status();
    expect(counters).toMatchObject({ bad_cookie: 1, unproven: 0 });
    named.end();
    await valve.stop();
  });
});
