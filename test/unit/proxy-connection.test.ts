/** A connection and its two directions, which are played here: nothing of the kernel. */
import test from 'ava';
import { Connection, type ConnectionOwner } from '../../src/services/proxy/engine/connection.ts';
import type { Way } from '../../src/services/proxy/engine/direction.ts';
import type { Continued } from '../../src/services/proxy/engine/loop.ts';
import type { Means } from '../../src/services/proxy/engine/means.ts';
import type { Side } from '../../src/services/proxy/engine/side.ts';
import { readable, writable } from '../../src/sys/epoll.ts';

/** A direction that has something to carry for so many turns. */
class Played implements Way {
  unfinished = false;
  readonly failure = undefined;
  readonly ended = false;
  readonly full = false;

  constructor(public left: number) {}

  advance(): 'more' | 'waiting' {
    this.left -= 1;
    return this.left > 0 ? 'more' : 'waiting';
  }

  release(): void {}
}

for (const [inward, outward] of [
  [9, 1],
  [1, 9],
  [5, 9],
  [9, 5],
] as const) {
  test(`directions that need ${inward} and ${outward} turns get them, and no event has to tell`, (t) => {
    const asked: Continued[] = [];
    const ways = [new Played(inward), new Played(outward)] as const;
    const sides: Side[] = [];
    const transport = {
      carry(from: Side, _to: Side, isInward: boolean) {
        sides.push(from);
        return ways[isInward ? 0 : 1];
      },
    };
    const means = { loop: { again: (one: Continued) => asked.push(one) } };
    const owner = { transport, counters: {}, left: () => {} };
    const connection = new Connection(
      3,
      4,
      means as unknown as Means,
      owner as unknown as ConnectionOwner,
      Buffer.alloc(0),
    );
    const [client, backend] = sides as [Side, Side];
    connection.happened(backend, writable);
    connection.happened(client, readable);
    connection.happened(backend, readable);
    for (let turn = 0; asked.length > 0 && turn < 100; turn++) for (const one of asked.splice(0)) one.proceed();
    t.deepEqual(
      ways.map(({ left }) => left),
      [0, 0],
    );
  });
}
