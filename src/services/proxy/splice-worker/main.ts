/**
 * The engine's thread: one loop that carries every published port, from its first order to its end.
 *
 * It never comes back to Node's own loop, so nothing in this folder may be asynchronous. What it says to the other thread goes
 * through Node all the same; what it is told, it fetches when the bell rings.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { DatagramBatch } from '../../../sys/datagram-batch.ts';
import { Epoll, edge, readable } from '../../../sys/epoll.ts';
import { memoryReturn } from '../../../sys/malloc-trim.ts';
import { StreamCalls } from '../../../sys/tcp-calls.ts';
import type { Destination } from '../socket-forward.ts';
import { CounterTable } from './counter-table.ts';
import { DatagramPort } from './datagram-port.ts';
import { Descriptors } from './descriptors.ts';
import { type Continued, Loop, type Watcher } from './event-loop.ts';
import { Ledger } from './fd-registry.ts';
import { type Port, type PortOwner, QuietPort } from './idle-port.ts';
import { PipePool } from './pipe-pool.ts';
import type { Means } from './shared.ts';
import { StreamPort } from './stream-port.ts';
import { overSctp, overTcp, type Transport } from './transport.ts';
import type { Birth, Order, Report } from './worker-messages.ts';

class Thread implements Watcher, Continued, PortOwner {
  /** By descriptor. */
  readonly #ports: (Port | undefined)[] = [];
  #ended: number[] = [];
  #datagrams: DatagramBatch | undefined;
  #giveBack: (() => void) | undefined;
  readonly #transports: Partial<Record<'tcp' | 'sctp', Transport>> = {};

  constructor(
    readonly desk: MessagePort,
    readonly means: Means,
    readonly counters: CounterTable,
  ) {}

  get loop(): Loop {
    return this.means.loop;
  }

  /** The bell has rung. */
  ready(): void {
    for (let note = receiveMessageOnPort(this.desk); note !== undefined; note = receiveMessageOnPort(this.desk))
      for (const order of note.message as readonly Order[]) this.#carryOut(order);
  }

  /** Somebody asks a port for the first time. */
  begin(fd: number, destination: Destination): Port {
    const port = this.#open(fd, destination);
    this.#ports[fd] = port;
    this.loop.hand(fd, port);
    return port;
  }

  ended(fd: number): void {
    this.#ports[fd] = undefined;
    if (this.#ended.push(fd) === 1) this.loop.again(this);
  }

  /** Those of one turn are told together. */
  proceed(): void {
    this.desk.postMessage({ ended: this.#ended } satisfies Report);
    this.#ended = [];
  }

  #carryOut(order: Order): void {
    if (order.act === 'serve') {
      for (const [place, fd] of order.fds.entries())
        this.#ports[fd] = new QuietPort(fd, order.way, order.ports[place] ?? 0, this);
    } else if (order.act === 'tidy') {
      this.#giveBack ??= memoryReturn();
      this.#giveBack();
    } else for (const fd of order.fds) this.#ports[fd]?.[order.act]();
  }

  #open(fd: number, destination: Destination): Port {
    const counters = this.counters.of(fd);
    const end = () => this.ended(fd);
    const { protocol } = destination.way;
    if (protocol !== 'udp')
      return new StreamPort(fd, destination, counters, this.means, this.#transport(protocol), end);
    this.#datagrams ??= new DatagramBatch();
    return new DatagramPort(fd, destination, counters, this.means, this.#datagrams, end);
  }

  #transport(protocol: 'tcp' | 'sctp'): Transport {
    const found = this.#transports[protocol] ?? (protocol === 'tcp' ? overTcp : overSctp)(this.means);
    this.#transports[protocol] = found;
    return found;
  }
}

function run(desk: MessagePort, { epoll, bell, ending, born, ledger, counters, settings }: Birth): void {
  const loop = new Loop(new Epoll(epoll));
  const descriptors = new Descriptors(new Ledger(ledger), settings.descriptorLimit);
  const pipes = new PipePool(descriptors);
  const means = { loop, descriptors, streams: new StreamCalls(settings.synRetries), pipes, settings };
  const thread = new Thread(desk, means, new CounterTable(counters));
  loop.watch(bell, edge | readable, thread);
  // What was ordered before the bell was heard.
  thread.ready();
  // By now koffi is loaded: it is when the first call is made, which watches the bell.
  const isBorn = new Int32Array(born);
  Atomics.store(isBorn, 0, 1);
  Atomics.notify(isBorn, 0);
  const end = new Int32Array(ending);
  loop.run(() => Atomics.load(end, 0) !== 0);
}

if (parentPort !== null) run(parentPort, workerData as Birth);
