/** The whole of src/upstream over UDP, against servers that do as the test says. */

import { afterEach, describe, expect, it } from 'vitest';
import { addressRecord, answerTo, FakeServer, type Handler } from './fake-server.ts';
import { BACKENDS, planOf, Rig } from './rig.ts';

const opened: { close?(): void; stop?(): void }[] = [];

async function serve(handler: Handler): Promise<FakeServer> {
  const server = await FakeServer.start(handler);
  opened.push(server);
  return server;
}

function keep(rig: Rig): Rig {
  opened.push(rig);
  return rig;
}

afterEach(() => {
  for (const thing of opened.splice(0)) {
    thing.close?.();
    thing.stop?.();
  }
});

const good: Handler = (asked) => asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));

describe.each(BACKENDS)('upstreams on the %s backend', (backend) => {
  it('an answer to the question is passed on', async () => {
    const server = await serve(good);
    const rig = keep(await Rig.open(planOf([server]), backend));
    const outcome = await rig.ask('www.example.com');
    expect(outcome).toMatchObject({ kind: 'answer', rcode: 0 });
    expect(rig.inflight.count).toBe(0);
    expect(rig.upstreams.waiting).toBe(0);
  });
});
