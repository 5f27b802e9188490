import { describe, expect, it } from 'vitest';
import { Queue } from '../../src/history/queue.ts';

describe('a queue', () => {
  it('gives the oldest first, also where most of it went out before', () => {
    const queue = new Queue<number>();
    for (let i = 0; i < 20_000; i++) queue.push(i);
    queue.shift(19_990);
    queue.push(20_000);
    expect([...queue]).toEqual([
      19_990, 19_991, 19_992, 19_993, 19_994, 19_995, 19_996, 19_997, 19_998, 19_999, 20_000,
    ]);
    expect([queue.size, queue.at(0), queue.at(10), queue.at(11)]).toEqual([
      11,
      19_990,
      20_000,
      undefined,
    ]);
  });

  it('is empty where more goes out than there was', () => {
    const queue = new Queue<number>();
    queue.push(1);
    queue.shift(5);
    queue.push(2);
    expect([queue.size, queue.at(0)]).toEqual([1, 2]);
  });
});
