/**
 * The engine's thread: one loop that carries every published port, from its first order to its end.
 *
 * It never comes back to Node's own loop, so nothing in this folder may be asynchronous. What it says to the other thread goes
 * through Node all the same; what it is told, it fetches when the bell rings.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { DatagramBatch } from '../../../sys/datagram-batch.ts';
import { edge, readable } from '../../../sys/epoll.ts';
import { StreamCalls } from '../../../sys/stream-calls.ts';
import { Counters } from '../counters.ts';
import { DatagramPort } from './datagram-port.ts';
import { Descriptors } from './descriptors.ts';
import { Ledger } from './ledger.ts';
import { Loop, type Watcher } from './loop.ts';
import type { Means } from './means.ts';
import type { Birth, Order, Report } from './orders.ts';
import { PipePool } from './pipe-pool.ts';
import { StreamPort } from './stream-port.ts';

class Thread implements Watcher {
  readonly #ports = new Map<number, StreamPort | DatagramPort>();
  #datagrams: DatagramBatch | undefined;

  constructor(
    readonly desk: MessagePort,
    readonly means: Means,
  ) {}

  /** The bell has rung. */
  ready(): void {
    for (let note = receiveMessageOnPort(this.desk); note !== undefined; note = receiveMessageOnPort(this.desk))
      for (const order of note.message as readonly Order[]) this.#carryOut(order);
  }

  #carryOut(order: Order): void {
    if (order.act === 'serve') this.#ports.set(order.port, this.#serve(order));
    else this.#ports.get(order.port)?.[order.act]();
  }

  #serve({ port, protocol, fd, destination, counters }: Extract<Order, { readonly act: 'serve' }>) {
    const counted = new Counters(counters);
    const end = () => {
      this.#ports.delete(port);
      this.desk.postMessage({ ended: port } satisfies Report);
    };
    if (protocol === 'tcp') return new StreamPort(fd, destination, counted, this.means, end);
    this.#datagrams ??= new DatagramBatch();
    return new DatagramPort(fd, destination.targets, counted, this.means, this.#datagrams, end);
  }
}

function run(desk: MessagePort, { bell, ending, ledger, settings }: Birth): void {
  const loop = new Loop();
  const descriptors = new Descriptors(new Ledger(ledger), settings.descriptorLimit);
  descriptors.own(loop.fd);
  const pipes = new PipePool(descriptors);
  const thread = new Thread(desk, {
    loop,
    descriptors,
    streams: new StreamCalls(settings.synRetries),
    pipes,
    settings,
  });
  loop.watch(bell, edge | readable, thread);
  // What was ordered before the bell was heard.
  thread.ready();
  const end = new Int32Array(ending);
  loop.run(() => Atomics.load(end, 0) !== 0);
}

if (parentPort !== null) run(parentPort, workerData as Birth);
