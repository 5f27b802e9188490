/** What a server may do to a question on a stream: it costs that question and no other. */

import { type Asked, addressRecord, answerTo, framed } from './fake-server.ts';

const honest = (asked: Asked) => answerTo(asked, { answers: [addressRecord(1)] });

export const BREAKAGES: readonly { name: string; break(asked: Asked): void }[] = [
  { name: 'a sudden end', break: (asked) => asked.connection?.destroy() },
  { name: 'an orderly close', break: (asked) => asked.connection?.end() },
  {
    name: 'half a length',
    break: (asked) => asked.connection?.end(Buffer.from([0])),
  },
  {
    name: 'half a frame and the end',
    break: (asked) => asked.connection?.end(framed(honest(asked)).subarray(0, 20)),
  },
  {
    name: 'a frame of length zero',
    break: (asked) => asked.connection?.write(Buffer.from([0, 0])),
  },
  {
    name: 'a frame shorter than a header',
    break: (asked) => asked.connection?.write(Buffer.from([0, 3, 1, 2, 3])),
  },
  { name: 'TC over a stream', break: (asked) => asked.reply(answerTo(asked, { flags: 0x8380 })) },
  { name: 'QR=0', break: (asked) => asked.reply(answerTo(asked, { flags: 0x0180 })) },
  {
    name: 'the question of somebody else',
    break: (asked) => {
      const question = Buffer.from(asked.question);
      question[1] = 0x7a;
      asked.reply(answerTo(asked, { question }));
    },
  },
];
