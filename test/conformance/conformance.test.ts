/**
 * The rules of a forwarder that can be seen from outside, each with the place where it is written:
 * over UDP and TCP, on every I/O backend. The same checks are put to other servers by compare.ts.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/client.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { FakeServer } from '../upstream/fake-server.ts';
import { titleOf } from './check.ts';
import { GROUPS } from './checks.ts';
import { Subject } from './subject.ts';

const CLIENT = '127.0.0.2';

it('every rule is told apart from every other', () => {
  const titles = GROUPS.flatMap(([, checks]) => checks.map(titleOf));
  expect(titles.length).toBeGreaterThanOrEqual(120);
  expect(new Set(titles).size).toBe(titles.length);
});

describe.each(BACKENDS)('through %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;

  beforeAll(async () => {
    upstream = await FakeServer.start();
    valve = await Valve.start({
      backend,
      config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
workloads: { client: { sources: [${CLIENT}/32], mode: open } }
`,
    });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let subject: Subject;

    beforeAll(() => {
      subject = new Subject(valve, upstream, transport, CLIENT);
    });

    afterAll(() => subject?.close());

    const here = GROUPS.map(([group, checks]) => {
      const apt = checks.filter(({ over }) => over === undefined || over === transport);
      return [group, apt] as const;
    }).filter(([, checks]) => checks.length > 0);

    describe.each(here)('%s', (_, checks) => {
      it.each(checks.map((check) => [titleOf(check), check] as const))('%s', (_title, check) =>
        check.run(subject),
      );
    });
  });
});
