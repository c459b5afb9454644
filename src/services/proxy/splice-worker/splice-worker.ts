/**
 * The relays of published ports: a worker thread with an event loop of its own, which bypasses Node's.
 *
 * Theory of operation. Two threads of one process share its descriptors, so no descriptor has to be sent:
 *
 *     the switchboard's thread             the worker's thread (main.ts)
 *       bind, listen, drop filter
 *       EPOLL_CTL_ADD
 *       serve ──────── command, eventfd ──────> accepts, connects, relays
 *       remove drop filter                     counts, in shared memory
 *       abort or drain: EPOLL_CTL_DEL,
 *         vacates the descriptor ────────────> ends the connections, drain: within ten seconds
 *       close  <─────────────── report ──────── the last connection has ended
 *
 * A stopped port must be free at once, but the next file would get a closed descriptor's number while the worker's thread may
 * still accept on that number. So the descriptor is **vacated**: dup3(2) replaces the socket by an unbound one. Another process
 * may have the same socket open (docker-proxy's `-use-listen-fd`), and the kernel would report its events for ever. So the watch
 * ends before, and only this thread watches ports.
 *
 * **When the thread dies**, for want of memory say, its connections are lost. FdRegistry lists the thread's descriptors: they are
 * closed, with RST, and a new thread serves all ports. Listening sockets stay open, so new clients wait meanwhile. A thread that
 * has run for a minute is replaced at once; otherwise the next one starts after 1, 2, 4, 8, 10, 10 … seconds.
 *
 * The thread sleeps in epoll_wait(2), where Node cannot stop it, so the eventfd wakes it when the process ends. A process that
 * ends while the thread starts waits for the start: Node would stop the thread while it loads koffi, which aborts the process
 * (`FATAL ERROR: Error::ThrowAsJavaScriptException`).
 */
import { Worker } from 'node:worker_threads';
import { Epoll, openBell, readable, ring } from '../../../sys/epoll.ts';
import { abortOnClose, closeSocket } from '../../../sys/inet-socket.ts';
import { openFileLimit } from '../../../sys/open-files.ts';
import { MessageOptions } from '../../../sys/sctp-options.ts';
import { StreamOptions } from '../../../sys/tcp-options.ts';
import { ignoring, messageOf } from '../../../values/errors.ts';
import { defaultSettings, type Relay, type RelayOptions, type RelaySettings } from '../relay.ts';
import type { SocketForward } from '../socket-forward.ts';
import { widenDatagramQueue } from './datagram-flow.ts';
import { portKey } from './event-loop.ts';
import { requireKernelSupport } from './kernel-support.ts';
import { CounterTable, FdRegistry, maxDescriptors } from './shared-tables.ts';
import type { Command, Report, ThreadData } from './worker-messages.ts';
import { type PortHost, WorkerPort } from './worker-port.ts';

/** How long the end of the process waits for the start of the thread, which takes 50 ms on an idle machine. */
const startMilliseconds = 5000;

/** Descriptors that no client may take, so that accept(2) itself never fails for want of one. */
const descriptorsKept = 8;

/** When a thread that died is replaced: at once if it was stable; otherwise after a delay, which doubles each time. */
export interface RestartTimes {
  readonly stableMilliseconds: number;
  readonly firstMilliseconds: number;
  readonly longestMilliseconds: number;
}

const defaultRestartTimes = { stableMilliseconds: 60_000, firstMilliseconds: 1000, longestMilliseconds: 10_000 };

export interface SpliceWorkerOptions extends RelayOptions {
  /** Gets a sentence for each death of the thread. */
  readonly log: (sentence: string) => void;
  /** Default: a minute, 1 s, 10 s. */
  readonly restartTimes?: RestartTimes;
  /** Starts the thread. Default: `startThread`. */
  readonly start?: (data: ThreadData) => Worker;
}

export class SpliceWorker implements PortHost {
  readonly counters = new CounterTable();
  readonly #settings: RelaySettings;
  /** By descriptor. */
  readonly #ports = new Map<number, WorkerPort>();
  readonly #stopped = new Int32Array(new SharedArrayBuffer(4));
  readonly #registry = new FdRegistry();
  readonly #socketOptions: Readonly<Record<'tcp' | 'sctp', StreamOptions | MessageOptions>>;
  #wakeup: number | undefined;
  /** Belongs to the thread that runs, like `#started`. */
  #epoll: Epoll | undefined;
  #started = new Int32Array(new SharedArrayBuffer(4));
  #startedAt = 0;
  #worker: Worker | undefined;
  /** Until the next start, after the thread has died. */
  #restart: NodeJS.Timeout | undefined;
  #delayMilliseconds = 0;
  #commands: Command[] = [];

  constructor(readonly options: SpliceWorkerOptions) {
    const { log: _1, restartTimes: _2, start: _3, ...wanted } = options;
    const settings = { ...defaultSettings, ...wanted };
    const highest = Math.min(openFileLimit() - descriptorsKept, maxDescriptors);
    this.#settings = { ...settings, descriptorLimit: Math.min(settings.descriptorLimit, highest) };
    const { synRetries } = settings;
    this.#socketOptions = { tcp: new StreamOptions(synRetries), sctp: new MessageOptions(synRetries) };
    process.once('exit', () => this.#end());
  }

  /**
   * Relays a socket's clients to the container.
   *
   * @param fd a bound socket, over TCP and SCTP a listening one, which belongs to the relay from now on, also if this throws
   * @throws GangwayError not-supported if the kernel refuses a system call of the worker; KernelError EMFILE, ENOSPC
   */
  serve(fd: number, forward: SocketForward): Relay {
    try {
      return this.#add(fd, forward);
    } catch (error) {
      this.#ports.delete(fd);
      closeSocket(fd);
      if (this.#ports.size === 0) this.#worker?.unref();
      throw error;
    }
  }

  /** Returns memory of the worker's thread to the kernel. */
  trimMemory(): void {
    if (this.#worker !== undefined) this.#send({ act: 'trim-memory' });
  }

  unwatch(fd: number): void {
    // `abort` after `drain`: the watch has ended already.
    ignoring('ENOENT', () => this.#epoll?.remove(fd));
  }

  stop(act: 'abort' | 'drain', fd: number): void {
    const last = this.#commands.at(-1);
    if (this.#worker === undefined) this.#close(fd);
    else if (last?.act === act) last.fds.push(fd);
    else this.#send({ act, fds: [fd] });
  }

  #add(fd: number, forward: SocketForward): WorkerPort {
    const { protocol } = forward.group;
    if (protocol === 'udp') widenDatagramQueue(fd);
    // Before a client connects: accepted sockets inherit the options.
    else this.#socketOptions[protocol].prepare(fd);
    const port = new WorkerPort(fd, forward, this);
    this.#ports.set(fd, port);
    if (this.#worker !== undefined) {
      this.#epoll?.add(fd, readable, portKey);
      this.#sendServe(port);
    } else if (this.#restart === undefined) this.#start();
    // A process that serves ports stays alive; a process without ports may end.
    this.#worker?.ref();
    return port;
  }

  #sendServe({ fd, forward: { group, containerPort } }: WorkerPort): void {
    const last = this.#commands.at(-1);
    if (last?.act !== 'serve' || last.group !== group) {
      this.#send({ act: 'serve', group, fds: [fd], ports: [containerPort] });
      return;
    }
    last.fds.push(fd);
    last.ports.push(containerPort);
  }

  /** Sends the commands of one turn together: ten thousand ports are one message. */
  #send(command: Command): void {
    if (this.#commands.push(command) > 1) return;
    queueMicrotask(() => {
      this.#worker?.postMessage(this.#commands);
      this.#commands = [];
      this.#wakeUp();
    });
  }

  #wakeUp(): void {
    if (this.#wakeup !== undefined) ring(this.#wakeup);
  }

  /** Starts a thread that serves all ports. */
  #start(): void {
    requireKernelSupport();
    this.#wakeup ??= openBell();
    // The instance of the thread before would still watch the eventfd.
    const epoll = new Epoll();
    try {
      for (const fd of this.#ports.keys()) epoll.add(fd, readable, portKey);
      this.#started = new Int32Array(new SharedArrayBuffer(4));
      this.#worker = this.#newWorker(epoll.fd, this.#wakeup);
    } catch (error) {
      epoll.close();
      throw error;
    }
    this.#epoll?.close();
    this.#epoll = epoll;
    this.#startedAt = performance.now();
    for (const port of this.#ports.values()) this.#sendServe(port);
  }

  #newWorker(epoll: number, wakeup: number): Worker {
    const worker = (this.options.start ?? startThread)({
      epoll,
      wakeup,
      stopped: this.#stopped.buffer,
      started: this.#started.buffer,
      registry: this.#registry.memory,
      counters: this.counters.memory,
      settings: this.#settings,
    });
    let reason = 'the thread ended';
    worker.on('message', ({ ended }: Report) => {
      for (const fd of ended) this.#close(fd);
    });
    worker.once('error', (error) => {
      reason = messageOf(error);
    });
    worker.once('exit', () => this.#onDied(reason));
    return worker;
  }

  #close(fd: number): void {
    this.#ports.get(fd)?.close();
    this.#ports.delete(fd);
    if (this.#ports.size > 0) return;
    this.#worker?.unref();
    clearTimeout(this.#restart);
    this.#restart = undefined;
  }

  #onDied(reason: string): void {
    this.#worker = undefined;
    this.#commands = [];
    for (const fd of this.#registry.takeAll()) {
      ignoring('ENOTSOCK', () => abortOnClose(fd));
      closeSocket(fd);
    }
    for (const port of [...this.#ports.values()]) {
      if (port.isClosing) this.#close(port.fd);
      else port.forgetClients();
    }
    const { stableMilliseconds } = this.options.restartTimes ?? defaultRestartTimes;
    const isStable = performance.now() - this.#startedAt >= stableMilliseconds;
    this.#restartAfter(isStable ? 0 : this.#nextDelay(), `published ports: the relay thread died: ${reason}`);
  }

  #nextDelay(): number {
    const { firstMilliseconds, longestMilliseconds } = this.options.restartTimes ?? defaultRestartTimes;
    return Math.min(2 * this.#delayMilliseconds || firstMilliseconds, longestMilliseconds);
  }

  #restartAfter(milliseconds: number, reason: string): void {
    this.#delayMilliseconds = milliseconds;
    const when = milliseconds === 0 ? 'at once' : `in ${milliseconds / 1000} s`;
    this.options.log(`${reason}; open connections are reset, a new thread starts ${when}`);
    // Without ports, the next `serve` starts a thread.
    if (this.#ports.size === 0) return;
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      try {
        this.#start();
      } catch (error) {
        this.#restartAfter(this.#nextDelay(), `published ports: cannot start the relay thread: ${messageOf(error)}`);
      }
    }, milliseconds);
  }

  /** Runs when the process ends, which waits for its threads. */
  #end(): void {
    Atomics.store(this.#stopped, 0, 1);
    this.#wakeUp();
    if (this.#worker !== undefined) Atomics.wait(this.#started, 0, 0, startMilliseconds);
  }
}

/** A young generation of 4 MB instead of 48: with ten thousand ports, the thread takes 60 MB less. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

/** Starts the thread from main, which lies beside this file and has the same extension. */
export function startThread(data: ThreadData): Worker {
  const own = import.meta.url;
  return new Worker(new URL(`./main${own.slice(own.lastIndexOf('.'))}`, own), { workerData: data, resourceLimits });
}
