/**
 * The engine, as the switchboard uses it: carries published ports in a thread of its own, past Node.
 *
 * Theory of operation. Two threads of one process share its descriptors, so nothing has to be handed over:
 *
 *     this thread                          the engine's thread (main.ts)
 *       bind, listen, door closed
 *       begins the watch
 *       serve ─────────── order, bell ────────> accepts, connects, carries
 *       door open                              counts, in memory that both see
 *       withdraw: ends the watch,
 *         vacates the descriptor ────────────> those who are served have ten seconds
 *       closes it  <────────── ended ─────────  the last one has gone
 *
 * A port must be free at once when it is withdrawn, but a number that is closed here would be given to the next file, and the
 * other thread might still accept on it. So it is **vacated**: its socket is replaced by one that is nothing. Of a socket that
 * another process has open, too (docker-proxy's `-use-listen-fd`), the kernel would go on telling whoever watches it, so the watch is
 * ended first, from this thread: once vacated, nobody has a name for it any more. It is begun from this thread, too: the other
 * one may hear of a port in just that moment.
 *
 * **When the thread dies** (it should not; its memory may run out), its connections can't be saved. The ledger in shared
 * memory tells which descriptors were its own: they are closed, with RST, and the next thread gets all the ports. The
 * listening sockets are this thread's, so a client that comes meanwhile waits. One that dies within a minute of its
 * birth, or is never born, is the last one: Node's relays take over.
 *
 * The thread sleeps in epoll_wait(2), where Node can't reach it: a process that ends rings the bell. One that ends while the
 * thread is being born waits for its birth: Node would end it in the middle of loading koffi, which then aborts the process
 * (`FATAL ERROR: Error::ThrowAsJavaScriptException`).
 */
import { Worker } from 'node:worker_threads';
import { Epoll, openBell, readable, ring } from '../../../sys/epoll.ts';
import { abortOnClose, closeSocket } from '../../../sys/inet-socket.ts';
import { openFileLimit } from '../../../sys/open-files.ts';
import { MessageOptions } from '../../../sys/sctp-options.ts';
import { StreamOptions } from '../../../sys/tcp-options.ts';
import { ignoring, messageOf } from '../../../values/errors.ts';
import { formatBinding } from '../../../values/port-grammar.ts';
import { type Carrier, ordinarySettings, type Relay, type RelayOptions, type RelaySettings } from '../relay.ts';
import { forwardOf, type SocketForward } from '../socket-forward.ts';
import { CounterTable } from './counter-table.ts';
import { widenQueue } from './datagram-queue.ts';
import { Ledger, mostDescriptors } from './fd-registry.ts';
import { type Birth, type Order, portKey, type Report } from './worker-messages.ts';
import { type Desk, EnginePort } from './worker-port.ts';

/** How long the end waits for a birth, which takes 50 ms, and longer where the processor is busy. */
const birthMilliseconds = 5000;

/** Descriptors that no client may take, so that accepting never fails for want of one. */
const descriptorsKept = 8;

export interface EngineOptions extends RelayOptions {
  /** Who carries what the engine can't carry any more. */
  readonly fallback: Carrier;
  /** Told of a thread that died. */
  readonly say: (sentence: string) => void;
  /** A thread that lived shorter is not worth another one. Default 60,000. */
  readonly leastLifeMilliseconds?: number;
  /** Starts the thread. Default: `startThread`. */
  readonly start?: (birth: Birth) => Worker;
}

export class Engine implements Carrier, Desk {
  readonly counters = new CounterTable();
  readonly #settings: RelaySettings;
  /** By descriptor. */
  readonly #ports = new Map<number, EnginePort>();
  readonly #bell = openBell();
  /** Of the thread that runs. */
  #epoll = new Epoll();
  readonly #ending = new Int32Array(new SharedArrayBuffer(4));
  /** Of the thread that runs. */
  #born = new Int32Array(new SharedArrayBuffer(4));
  readonly #ledger = new Ledger();
  readonly #options: Readonly<Record<'tcp' | 'sctp', StreamOptions | MessageOptions>>;
  #worker: Worker | undefined;
  #orders: Order[] = [];
  #startedAt = Number.NEGATIVE_INFINITY;
  #over = false;

  /** @throws KernelError EMFILE */
  constructor(readonly options: EngineOptions) {
    const { fallback: _1, say: _2, leastLifeMilliseconds: _3, start: _4, ...wanted } = options;
    const settings = { ...ordinarySettings, ...wanted };
    const highest = Math.min(openFileLimit() - descriptorsKept, mostDescriptors);
    this.#settings = { ...settings, descriptorLimit: Math.min(settings.descriptorLimit, highest) };
    const { synRetries } = settings;
    this.#options = { tcp: new StreamOptions(synRetries), sctp: new MessageOptions(synRetries) };
    process.once('exit', () => this.#end());
  }

  serve(fd: number, forward: SocketForward): Relay {
    if (this.#over) return this.options.fallback.serve(fd, forward);
    try {
      return this.#take(fd, forward);
    } catch (error) {
      closeSocket(fd);
      if (this.#ports.size === 0) this.#worker?.unref();
      throw error;
    }
  }

  tidy(): void {
    if (this.#worker !== undefined) this.#order({ act: 'tidy' });
  }

  unwatch(fd: number): void {
    // Who is cut off after a withdrawal is watched no more.
    ignoring('ENOENT', () => this.#epoll.remove(fd));
  }

  leave(act: 'cut' | 'withdraw', fd: number): void {
    const last = this.#orders.at(-1);
    if (last?.act === act) last.fds.push(fd);
    else this.#order({ act, fds: [fd] });
  }

  #take(fd: number, forward: SocketForward): EnginePort {
    const { protocol } = forward.way;
    if (protocol === 'udp') widenQueue(fd);
    // Before a client may come: whoever has come already, the kernel has copied nothing to.
    else this.#options[protocol].prepare(fd);
    const port = new EnginePort(fd, forward, this);
    this.#worker ??= this.#start();
    this.#watch(fd);
    this.#ports.set(fd, port);
    // Whoever serves goes on living; whoever does not may end.
    this.#worker.ref();
    this.#orderToServe(port);
    return port;
  }

  #watch(fd: number): void {
    this.#epoll.add(fd, readable, portKey);
  }

  #orderToServe({ fd, forward: { way, containerPort } }: EnginePort): void {
    const last = this.#orders.at(-1);
    if (last?.act !== 'serve' || last.way !== way) {
      this.#order({ act: 'serve', way, fds: [fd], ports: [containerPort] });
      return;
    }
    last.fds.push(fd);
    last.ports.push(containerPort);
  }

  /** Those of one turn go together: ten thousand ports are one note, and one stroke of the bell. */
  #order(order: Order): void {
    if (this.#orders.push(order) === 1) queueMicrotask(() => this.#send());
  }

  #send(): void {
    this.#worker?.postMessage(this.#orders);
    this.#orders = [];
    ring(this.#bell);
  }

  #start(): Worker {
    this.#startedAt = performance.now();
    this.#born = new Int32Array(new SharedArrayBuffer(4));
    const birth: Birth = {
      epoll: this.#epoll.fd,
      bell: this.#bell,
      ending: this.#ending.buffer,
      born: this.#born.buffer,
      ledger: this.#ledger.memory,
      counters: this.counters.memory,
      settings: this.#settings,
    };
    const worker = (this.options.start ?? startThread)(birth);
    let reason = 'it ended';
    worker.on('message', (report: Report) => this.#hear(report));
    worker.once('error', (error) => {
      reason = messageOf(error);
    });
    worker.once('exit', () => this.#died(reason));
    return worker;
  }

  #hear({ ended }: Report): void {
    for (const fd of ended) {
      this.#ports.get(fd)?.close();
      this.#ports.delete(fd);
    }
    if (this.#ports.size === 0) this.#worker?.unref();
  }

  #died(reason: string): void {
    this.#worker = undefined;
    this.#orders = [];
    this.#epoll.close();
    this.#epoll = new Epoll();
    for (const fd of this.#ledger.clear()) {
      ignoring('ENOTSOCK', () => abortOnClose(fd));
      closeSocket(fd);
    }
    const { leastLifeMilliseconds = 60_000, say } = this.options;
    const again = performance.now() - this.#startedAt >= leastLifeMilliseconds;
    const further = again ? 'its ports go on in another one' : "its ports go on in Node's own sockets";
    say(`the engine that carries published ports has died (${reason}): ${further}, without their connections`);
    const leaving = [...this.#ports.values()].filter((port) => port.leaving);
    for (const port of leaving) {
      port.close();
      this.#ports.delete(port.fd);
    }
    for (const port of this.#ports.values()) port.deserted();
    if (!again || !this.#resume()) this.#giveUp();
  }

  /** @returns false where there can't be another thread, which is said */
  #resume(): boolean {
    if (this.#ports.size === 0) return true;
    try {
      for (const { fd } of this.#ports.values()) this.#watch(fd);
      this.#worker = this.#start();
    } catch (error) {
      this.options.say(`there is no other one (${messageOf(error)}): its ports go on in Node's own sockets`);
      return false;
    }
    for (const port of this.#ports.values()) this.#orderToServe(port);
    return true;
  }

  #giveUp(): void {
    this.#over = true;
    for (const port of this.#ports.values()) this.#handOver(port);
    this.#ports.clear();
  }

  /** One port that is lost leaves the others. */
  #handOver(port: EnginePort): void {
    try {
      port.handOver(this.options.fallback);
    } catch (error) {
      const which = formatBinding(forwardOf(port.forward).binding);
      this.options.say(`port ${which} could not be carried on, and is closed: ${messageOf(error)}`);
    }
  }

  /** At the end of the process, which waits for its threads. */
  #end(): void {
    Atomics.store(this.#ending, 0, 1);
    ring(this.#bell);
    if (this.#worker !== undefined) Atomics.wait(this.#born, 0, 0, birthMilliseconds);
  }
}

/** What is young in JavaScript's memory is looked through at 4 MB, not at 48: a thread that serves ten thousand ports is 60 MB smaller. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

/** The thread's code lies beside this file, in whatever form this file is read. */
export function startThread(birth: Birth): Worker {
  const own = import.meta.url;
  return new Worker(new URL(`./main${own.slice(own.lastIndexOf('.'))}`, own), { workerData: birth, resourceLimits });
}
