/** A connection and its two directions, which are played here: nothing of the kernel. */
import test from 'ava';
import type { ErrorKind } from '../../src/services/proxy/counters.ts';
import { Connection, type ConnectionOwner } from '../../src/services/proxy/splice-worker/connection.ts';
import type { WorkerContext } from '../../src/services/proxy/splice-worker/context.ts';
import type { Task } from '../../src/services/proxy/splice-worker/event-loop.ts';
import type { ConnectionSocket, Direction, Progress } from '../../src/services/proxy/splice-worker/tcp-direction.ts';
import { readable, writable } from '../../src/sys/epoll.ts';
import { ECONNRESET, EMSGSIZE, ENOTCONN, EPIPE } from '../../src/sys/system-calls.ts';

/** A direction that has something to carry for so many turns. */
class Played implements Direction {
  unfinished = false;
  failure: Direction['failure'];
  readonly ended = false;
  readonly full = false;

  constructor(public left: number) {}

  advance(): Progress {
    this.left -= 1;
    if (this.failure !== undefined) return 'broken';
    return this.left > 0 ? 'more' : 'waiting';
  }

  release(): void {}
}

/** A connection of two sides whose directions have something to carry for so many turns. */
function scene(inward: number, outward: number) {
  const asked: Task[] = [];
  const log: string[] = [];
  const ways = [new Played(inward), new Played(outward)] as const;
  const sides: ConnectionSocket[] = [];
  const transport = {
    newDirection(from: ConnectionSocket, _to: ConnectionSocket, isInward: boolean) {
      sides.push(from);
      return ways[isInward ? 0 : 1];
    },
  };
  const context = {
    loop: { defer: (one: Task) => asked.push(one), unwatch: () => {} },
    tcp: { abortOnClose: () => log.push(`aborted with ${ways[1].left} left`) },
    descriptors: { close: () => {} },
  };
  const counters = { addError: (kind: ErrorKind) => log.push(kind) };
  const owner = { transport, counters, onClosed: () => {} } as unknown as ConnectionOwner;
  const connection = new Connection(3, 4, context as unknown as WorkerContext, owner, Buffer.alloc(0));
  const [client, backend] = sides as [ConnectionSocket, ConnectionSocket];
  return { connection, ways, client, backend, asked, log };
}

for (const [inward, outward] of [
  [9, 1],
  [1, 9],
  [5, 9],
  [9, 5],
] as const) {
  test(`directions that need ${inward} and ${outward} turns get them, and no event has to tell`, (t) => {
    const { connection, ways, client, backend, asked } = scene(inward, outward);
    connection.onEvents(backend, writable);
    connection.onEvents(client, readable);
    connection.onEvents(backend, readable);
    for (let turn = 0; asked.length > 0 && turn < 100; turn++) for (const one of asked.splice(0)) one.resume();
    t.deepEqual(
      ways.map(({ left }) => left),
      [0, 0],
    );
  });
}

for (const [name, errno, left] of [
  ['was broken off', ECONNRESET, 0],
  ['had ended before it was broken off', EPIPE, 0],
  ['was gone when the other one ended', ENOTCONN, 0],
  ['does not take this message', EMSGSIZE, 9],
] as const) {
  test(`where a side is found to have failed by sending, as it ${name}, ${left} turns of what it said are lost`, (t) => {
    const { connection, ways, client, backend, log } = scene(1, 9);
    connection.onEvents(backend, writable);
    ways[0].failure = { socket: backend, errno };
    connection.onEvents(client, readable);
    t.deepEqual(log.slice(1), Array(2).fill(`aborted with ${left} left`));
    t.is(backend.broken, left === 0);
  });
}
