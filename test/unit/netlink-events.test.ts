import test from 'ava';
import { EventStream, type Source } from '../../src/netlink/events.ts';
import { KernelError } from '../../src/values/errors.ts';
import { message } from '../support/netlink.ts';

class FakeSource implements Source {
  closed = 0;
  called = 0;
  received = 0;
  readonly #queue: (Buffer | KernelError)[] = [];
  #callback: (() => void) | undefined;

  receive(buffer: Buffer): number | undefined {
    this.received++;
    const next = this.#queue.shift();
    if (next instanceof KernelError) throw next;
    return next?.copy(buffer);
  }

  listen(callback: () => void): void {
    this.#callback = callback;
    setImmediate(() => this.#call());
  }

  pause(): void {
    this.#callback = undefined;
  }

  close(): void {
    this.closed++;
    this.#callback = undefined;
  }

  tell(...what: readonly (Buffer | KernelError)[]): void {
    this.#queue.push(...what);
    this.#call();
  }

  /** In every turn of the loop, as long as something waits. */
  #call(): void {
    if (this.#queue.length === 0 || this.#callback === undefined) return;
    this.called++;
    this.#callback();
    setImmediate(() => this.#call());
  }
}

const lost = new KernelError('listen to the kernel', 'ENOBUFS');

function open(): { readonly source: FakeSource; readonly stream: EventStream } {
  const source = new FakeSource();
  return { source, stream: new EventStream(source) };
}

test('what comes before anybody listens is kept, in order', async (t) => {
  const { source, stream } = open();
  source.tell(Buffer.concat([message(16, 0, 1), message(17, 0, 2)]));
  source.tell(message(18, 0, 3));
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
  source.tell(message(16, 0, 1));
  t.is((await waiting).value?.type, 16);
  const again = iterator.next();
  source.tell(message(17, 0, 1));
  t.is((await again).value?.type, 17);
});

test('events that the kernel dropped end the stream, behind those that came', async (t) => {
  const { source, stream } = open();
  const iterator = stream[Symbol.asyncIterator]();
  source.tell(message(16, 0, 1));
  source.tell(lost);
  t.is((await iterator.next()).value?.type, 16);
  await t.throwsAsync(async () => iterator.next(), { name: 'KernelError', message: 'listen to the kernel: ENOBUFS' });
  t.is(source.closed, 1);
});

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

test('what nobody takes waits in the kernel, until he takes again', async (t) => {
  const { source, stream } = open();
  const all = 20_000;
  source.tell(...Array.from({ length: all }, (_, index) => message(16, 0, index)));
  await turns(100);
  const { received } = source;
  t.true(received > 0 && received < all, `${received} were received`);
  source.tell(message(17, 0, all));
  await turns(100);
  t.is(source.received, received);
  let next = 0;
  for await (const { sequence } of stream) {
    if (sequence !== next++) return t.fail(`${sequence} comes in the place of ${next - 1}`);
    if (sequence === all) break;
  }
  t.is(next, all + 1);
});

test('behind an error nobody listens any more, though something waits', async (t) => {
  const { source, stream } = open();
  source.tell(message(16, 0, 1), lost, message(16, 0, 2));
  await turns(10);
  t.deepEqual([source.called, source.received], [1, 2]);
  const iterator = stream[Symbol.asyncIterator]();
  t.is((await iterator.next()).value?.sequence, 1);
  await t.throwsAsync(async () => iterator.next(), { message: /ENOBUFS/ });
});

test('an error wakes who waits', async (t) => {
  const { source, stream } = open();
  const waiting = stream[Symbol.asyncIterator]().next();
  source.tell(lost);
  await t.throwsAsync(waiting, { message: /ENOBUFS/ });
});

test('leaving the loop closes the socket, once', async (t) => {
  const { source, stream } = open();
  source.tell(message(16, 0, 1));
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
  source.tell(Buffer.alloc(7));
  source.tell(message(16, 0, 9));
  t.is((await waiting).value?.sequence, 9);
});

test('two sources are one stream, and what nobody of the kernel’s has sent is passed over', async (t) => {
  const [one, two] = [new FakeSource(), new FakeSource()];
  const stream = new EventStream(one, two);
  two.tell(message(16, 0, 1), Buffer.alloc(0), message(16, 0, 2));
  one.tell(message(17, 0, 3));
  const found: number[] = [];
  for await (const { sequence } of stream) if (found.push(sequence) === 3) break;
  t.deepEqual(found, [1, 2, 3]);
  t.deepEqual([one.closed, two.closed], [1, 1]);
});
