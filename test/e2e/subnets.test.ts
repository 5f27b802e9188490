/** Forwarders that say whose a query is by a client subnet: played by clients, dnsmasq, dnsdist. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOnce, TRANSPORTS } from '../support/client.ts';
import type { EdnsShape } from '../support/message.ts';
import { freePort, lacks, makeFolder, Program, removeFolder, until } from '../support/processes.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const FORWARDER = '127.0.0.8';
const STRANGER = '127.0.0.2';
const [NXDOMAIN, REFUSED] = [3, 5];
const PROHIBITED = 18;
const ECS = 8;

const subnet = (...octets: readonly number[]) => ({ code: ECS, data: Buffer.from(octets) });
const RED = subnet(0, 1, 32, 0, 10, 1, 0, 7);
const BLUE = subnet(0, 1, 32, 0, 10, 2, 0, 7);
const RED6 = subnet(0, 2, 128, 0, 0x20, 1, 0x0d, 0xb8, 0, 1, ...Array<number>(9).fill(0), 7);

describe.each(BACKENDS)('client subnets beside %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;
  let names = 0;

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) =>
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
    );
    valve = await Valve.start({
      backend,
      config: `
upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
trusted_forwarders: [{ sources: [${FORWARDER}], identity: client-subnet }]
workloads:
  red: { sources: [10.1.0.0/16, "2001:db8:1::/64", 127.0.0.3], allow: ["*.red.test"] }
  blue: { sources: [10.2.0.0/16, 127.0.0.4], allow: ["*.blue.test"] }
  edge: { sources: [${FORWARDER}], allow: ["*.edge.test"] }
  other: { sources: [${STRANGER}], allow: ["*.other.test"] }
`,
    });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  const ask = (
    way: 'udp' | 'tcp',
    from: string,
    zone: string,
    options: EdnsShape['options'] = [],
    to = valve as { address: string; port: number },
  ) => askOnce(way, to, from, { name: `n${names++}.${zone}.test`, edns: { options } });

  describe.each(TRANSPORTS)('over %s', (way) => {
    it.each([
      ['IPv4', RED, 'red', 'blue'],
      ['another one', BLUE, 'blue', 'red'],
      ['IPv6', RED6, 'red', 'blue'],
    ])('the address in it is who asks: %s', async (_, option, allowed, denied) => {
      expect((await ask(way, FORWARDER, allowed, [option])).answers).toHaveLength(1);
      expect((await ask(way, FORWARDER, denied, [option])).rcode).toBe(NXDOMAIN);
      expect((await ask(way, FORWARDER, 'edge', [option])).rcode).toBe(NXDOMAIN);
      for (const { message } of upstream.asked) expect(message.includes(option.data)).toBe(false);
    });

    it.each([
      ['none', []],
      ['two', [RED, RED]],
      ['24 bits', [subnet(0, 1, 24, 0, 10, 1, 0)]],
      ['31 bits', [subnet(0, 1, 31, 0, 10, 1, 0, 6)]],
      ['no bits', [subnet(0, 1, 0, 0)]],
      ['64 bits of IPv6', [subnet(0, 2, 64, 0, 0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0)]],
      ['a scope', [subnet(0, 1, 32, 32, 10, 1, 0, 7)]],
      ['a family that is not assigned', [subnet(0, 3, 32, 0, 10, 1, 0, 7)]],
    ])('%s: nobody asks, not even the forwarder', async (_, options) => {
      const before = upstream.asked.length;
      for (const zone of ['red', 'edge']) {
        const got = await ask(way, FORWARDER, zone, options);
        expect([got.rcode, got.ede]).toEqual([REFUSED, PROHIBITED]);
      }
      expect(upstream.asked.length).toBe(before);
    });

    it('from a stranger it says nothing', async () => {
      expect((await ask(way, STRANGER, 'red', [RED])).rcode).toBe(NXDOMAIN);
      expect((await ask(way, STRANGER, 'other', [RED])).answers).toHaveLength(1);
    });
  });

  /** Clients of a real forwarder, honest and not. */
  async function holds(port: number, program: Program): Promise<void> {
    const to = { address: '127.0.0.1', port };
    await until('the forwarder answers', async () => {
      if (!program.isRunning) throw new Error(program.said);
      return ask('tcp', '127.0.0.3', 'red', [], to).catch(() => null);
    });
    for (const way of TRANSPORTS) {
      expect((await ask(way, '127.0.0.3', 'red', [], to)).answers).toHaveLength(1);
      expect((await ask(way, '127.0.0.3', 'blue', [], to)).rcode).toBe(NXDOMAIN);
      expect((await ask(way, '127.0.0.4', 'blue', [], to)).answers).toHaveLength(1);
      expect((await ask(way, '127.0.0.5', 'blue', [], to)).rcode).toBe(REFUSED);
      // Who says himself who he is, is not believed.
      const lie = await ask(way, '127.0.0.4', 'red', [subnet(0, 1, 32, 0, 127, 0, 0, 3)], to);
      expect(lie.answers).toEqual([]);
    }
  }

  it.skipIf(lacks('dnsmasq'))('dnsmasq with strip-subnet and add-subnet', async () => {
    const port = await freePort();
    const program = new Program('dnsmasq', [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts'],
      ...['--listen-address=127.0.0.1', '--bind-interfaces', `--port=${port}`, '--cache-size=0'],
      ...[
        '--strip-subnet',
        '--add-subnet=32,128',
        `--server=127.0.0.1#${valve.port}@${FORWARDER}`,
        '--user=root',
      ],
      ...['--pid-file=', '--log-facility=-'],
    ]);
    await holds(port, program);
    await program.stop();
  });

  it.skipIf(lacks('dnsdist'))('dnsdist with useClientSubnet', async () => {
    const folder = makeFolder();
    const port = await freePort();
    const file = join(folder, 'dnsdist.lua');
    writeFileSync(
      file,
      `setLocal("127.0.0.1:${port}")
setACL({"127.0.0.0/8"})
setSecurityPollSuffix("")
setECSOverride(true)
setECSSourcePrefixV4(32)
setECSSourcePrefixV6(128)
newServer({address="127.0.0.1:${valve.port}", source="${FORWARDER}", useClientSubnet=true})
`,
    );
    const program = new Program('dnsdist', ['--supervised', '-C', file]);
    await holds(port, program);
    await program.stop();
    removeFolder(folder);
  });
});
