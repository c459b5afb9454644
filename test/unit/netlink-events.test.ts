import { EventEmitter } from 'node:events';
import test from 'ava';
import { EventStream } from '../../src/netlink/events.ts';
import { message } from '../support/netlink.ts';

class FakeSource extends EventEmitter {
  closed = 0;
  close(): void {
    this.closed++;
  }
}

function open(): { readonly source: FakeSource; readonly stream: EventStream } {
  const source = new FakeSource();
  return { source, stream: new EventStream(source) };
}

test('what comes before anybody listens is kept, in order', async (t) => {
  const { source, stream } = open();
  source.emit('message', Buffer.concat([message(16, 0, 1), message(17, 0, 2)]));
  source.emit('message', message(18, 0, 3));
  const types: number[] = [];
  for await (const { type } of stream) {
    types.push(type);
    if (types.length === 3) break;
  }
  t.deepEqual(types, [16, 17, 18]);
});

test('who waits is woken by the next message', async (t) => {
  const { source, stream } = open();
  const iterator = stream[Symbol.asyncIterator]();
  const waiting = iterator.next();
  source.emit('message', message(16, 0, 1));
  t.is((await waiting).value?.type, 16);
  const again = iterator.next();
  source.emit('message', message(17, 0, 1));
  t.is((await again).value?.type, 17);
});

test('events that the kernel dropped end the stream, behind those that came', async (t) => {
  const { source, stream } = open();
  const iterator = stream[Symbol.asyncIterator]();
  source.emit('message', message(16, 0, 1));
  source.emit('error', { code: 'ENOBUFS' });
  t.is((await iterator.next()).value?.type, 16);
  await t.throwsAsync(async () => iterator.next(), { name: 'KernelError', message: 'listen to the kernel: ENOBUFS' });
  t.is(source.closed, 1);
});

test('an error wakes who waits', async (t) => {
  const { source, stream } = open();
  const waiting = stream[Symbol.asyncIterator]().next();
  source.emit('error', { code: 'ENOBUFS' });
  await t.throwsAsync(waiting, { message: /ENOBUFS/ });
});

test('leaving the loop closes the socket, once', async (t) => {
  const { source, stream } = open();
  source.emit('message', message(16, 0, 1));
  for await (const _ of stream) break;
  stream.close();
  t.is(source.closed, 1);
});

test('closing ends the loop of who waits', async (t) => {
  const { source, stream } = open();
  const waiting = stream[Symbol.asyncIterator]().next();
  stream.close();
  t.deepEqual(await waiting, { value: undefined, done: true });
  t.is(source.closed, 1);
});

test('a datagram without a whole message wakes nobody to anything', async (t) => {
  const { source, stream } = open();
  const waiting = stream[Symbol.asyncIterator]().next();
  source.emit('message', Buffer.alloc(7));
  source.emit('message', message(16, 0, 9));
  t.is((await waiting).value?.sequence, 9);
});
