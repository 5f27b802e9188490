/** What the tests of upstreams share: servers that behave in a few ways, and closing them. */

import type { ServerStats } from '../../src/upstream/upstreams.ts';
import { type Asked, addressRecord, answerTo, FakeServer, type Handler } from './fake-server.ts';
import type { Rig } from './rig.ts';

const opened: { close?(): void; stop?(): void }[] = [];

export async function serve(handler: Handler, address?: string): Promise<FakeServer> {
  const server = await FakeServer.start(handler, address);
  opened.push(server);
  return server;
}

/** A port on which nobody listens any more. */
export async function serveNobody(): Promise<FakeServer> {
  const server = await FakeServer.start(silent);
  server.stop();
  return server;
}

export function keep(rig: Rig): Rig {
  opened.push(rig);
  return rig;
}

/** For `afterEach`. */
export function closeAll(): void {
  for (const thing of opened.splice(0)) {
    thing.close?.();
    thing.stop?.();
  }
}

export const honest = (asked: Asked) => answerTo(asked, { answers: [addressRecord(1)] });
export const cut = (asked: Asked) => answerTo(asked, { flags: 0x8380 });
export const good: Handler = (asked) => asked.reply(honest(asked));
export const silent: Handler = () => undefined;
export const withRcode =
  (rcode: number): Handler =>
  (asked) =>
    asked.reply(answerTo(asked, { flags: 0x8180 | rcode }));

export function statsOf(rig: Rig, index = 0): ServerStats {
  const stats = rig.upstreams.stats()[index];
  if (stats === undefined) throw new Error('no such server');
  return stats;
}
