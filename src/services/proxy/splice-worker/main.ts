/**
 * The worker's thread: one event loop that relays all published ports, until the process ends.
 *
 * The thread never returns to Node's event loop, so nothing in this folder may be asynchronous. Messages to the other thread
 * pass through Node; messages from the other thread are read when the eventfd wakes the loop.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { DatagramBatch } from '../../../sys/datagram-batch.ts';
import { Epoll, edge, readable } from '../../../sys/epoll.ts';
import { memoryReturn } from '../../../sys/malloc-trim.ts';
import { StreamCalls } from '../../../sys/tcp-calls.ts';
import type { Destination } from '../socket-forward.ts';
import type { Port, WorkerContext } from './context.ts';
import { DatagramPort } from './datagram-port.ts';
import { type EventHandler, EventLoop, type Task } from './event-loop.ts';
import { PipePool } from './pipe-pool.ts';
import { CounterTable, FdRegistry } from './shared-tables.ts';
import { StreamPort } from './stream-port.ts';
import { sctpTransport, type Transport, tcpTransport } from './transport.ts';
import type { Command, Report, ThreadData } from './worker-messages.ts';

class PublishedPorts implements EventHandler, Task {
  readonly #context: WorkerContext;
  /**
   * By descriptor: the destination of each port, and the ports that have had a client. Most of thousands of ports never have one:
   * 10,000 ports take 11 MiB less.
   */
  readonly #destinations: (Destination | undefined)[] = [];
  readonly #ports: (Port | undefined)[] = [];
  #ended: number[] = [];
  #datagrams: DatagramBatch | undefined;
  #trimMemory: (() => void) | undefined;
  readonly #transports: Partial<Record<'tcp' | 'sctp', Transport>> = {};
  readonly #counters: CounterTable;

  constructor(
    readonly messages: MessagePort,
    { epoll, wakeup, registry, counters, settings }: ThreadData,
  ) {
    const loop = new EventLoop(new Epoll(epoll), (fd) => this.#ports[fd] ?? this.#open(fd));
    const descriptors = new FdRegistry(registry, settings.descriptorLimit);
    const pipes = new PipePool(descriptors);
    this.#context = { loop, descriptors, tcp: new StreamCalls(settings.synRetries), pipes, settings };
    this.#counters = new CounterTable(counters);
    loop.watch(wakeup, edge | readable, this);
  }

  run(isStopped: () => boolean): void {
    this.#context.loop.run(isStopped);
  }

  /** Reads and executes commands. */
  onEvents(): void {
    for (let note = receiveMessageOnPort(this.messages); note !== undefined; note = receiveMessageOnPort(this.messages))
      for (const command of note.message as readonly Command[]) this.#execute(command);
  }

  /** Reports all ports that ended in one round of the loop in one message. */
  resume(): void {
    this.messages.postMessage({ ended: this.#ended } satisfies Report);
    this.#ended = [];
  }

  #execute(command: Command): void {
    if (command.act === 'serve') {
      for (const [index, fd] of command.fds.entries())
        this.#destinations[fd] = { group: command.group, containerPort: command.ports[index] ?? 0 };
    } else if (command.act === 'trim-memory') {
      this.#trimMemory ??= memoryReturn();
      this.#trimMemory();
    } else for (const fd of command.fds) this.#stop(command.act, fd);
  }

  #stop(act: 'abort' | 'drain', fd: number): void {
    const port = this.#ports[fd];
    if (port !== undefined) port[act]();
    else if (this.#destinations[fd] !== undefined) this.#onEnded(fd);
  }

  #onEnded(fd: number): void {
    this.#destinations[fd] = undefined;
    this.#ports[fd] = undefined;
    if (this.#ended.push(fd) === 1) this.#context.loop.defer(this);
  }

  #open(fd: number): Port | undefined {
    const destination = this.#destinations[fd];
    if (destination === undefined) return undefined;
    const port = this.#newPort(fd, destination);
    this.#ports[fd] = port;
    return port;
  }

  #newPort(fd: number, destination: Destination): Port {
    const counters = this.#counters.of(fd);
    const onEnded = () => this.#onEnded(fd);
    const { protocol } = destination.group;
    if (protocol !== 'udp')
      return new StreamPort(fd, destination, counters, this.#context, this.#transport(protocol), onEnded);
    this.#datagrams ??= new DatagramBatch();
    return new DatagramPort(fd, destination, counters, this.#context, this.#datagrams, onEnded);
  }

  #transport(protocol: 'tcp' | 'sctp'): Transport {
    const found = this.#transports[protocol] ?? (protocol === 'tcp' ? tcpTransport : sctpTransport)(this.#context);
    this.#transports[protocol] = found;
    return found;
  }
}

function run(messages: MessagePort, data: ThreadData): void {
  const ports = new PublishedPorts(messages, data);
  // Commands that came before the loop watched the eventfd.
  ports.onEvents();
  // koffi is loaded by now: the first system call, which watches the eventfd, loads it.
  const started = new Int32Array(data.started);
  Atomics.store(started, 0, 1);
  Atomics.notify(started, 0);
  const stopped = new Int32Array(data.stopped);
  ports.run(() => Atomics.load(stopped, 0) !== 0);
}

if (parentPort !== null) run(parentPort, workerData as ThreadData);
