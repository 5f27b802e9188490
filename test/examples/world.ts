/** The rest of the world for the examples: an upstream that has an answer for every name. */

import dns2 from 'dns2';
import { freePort } from '../../examples/demo/ports.ts';

const { Packet } = dns2;

/** What names without an entry of their own have. */
export const ANYWHERE = '198.51.100.1';

export interface World {
  readonly port: number;
  close(): Promise<void>;
}

/** Answers A with the address of the name, and TXT and MX with something; other types are empty. */
export async function startWorld(addresses: Readonly<Record<string, string>>): Promise<World> {
  const port = await freePort();
  const server = dns2.createServer({
    udp: true,
    tcp: true,
    handle: (request, send) => {
      const response = Packet.createResponseFromRequest(request);
      const question = request.questions[0];
      if (question !== undefined) {
        const { name, type } = question;
        const answer = new Packet.Resource(name, type, Packet.CLASS.IN, 60);
        if (type === Packet.TYPE.A) answer.address = addresses[name.toLowerCase()] ?? ANYWHERE;
        if (type === Packet.TYPE.TXT) answer.data = 'text';
        if (type === Packet.TYPE.MX) Object.assign(answer, { exchange: 'mx.example', priority: 5 });
        const known: number[] = [Packet.TYPE.A, Packet.TYPE.TXT, Packet.TYPE.MX];
        if (known.includes(type)) response.answers.push(answer);
      }
      void send(response).catch(() => {});
    },
  });
  const place = { port, address: '127.0.0.1' };
  await server.listen({ udp: place, tcp: place });
  return { port, close: () => server.close() };
}
