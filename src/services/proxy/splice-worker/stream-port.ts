/**
 * A published TCP or SCTP port in the worker's thread: accepts clients.
 *
 * A client that cannot be served gets RST (ABORT over SCTP): no descriptor is left, or no connection to the container can start.
 * If accept(2) itself fails for want of descriptors or memory, the client waits in the kernel's queue, and the port is not
 * watched for a moment. Otherwise the loop would spin, at the cost of the clients that are connected.
 *
 * A listening socket that another process has destroyed (`ss -K`) listens again, at the next event. If another program
 * has taken the port meanwhile, the relay keeps trying.
 */
import { edge, readable } from '../../../sys/epoll.ts';
import { appearAs, isListening } from '../../../sys/inet-socket.ts';
import { errnoName } from '../../../sys/libc.ts';
import { listenAgain } from '../../../sys/reopen-listener.ts';
import { EAGAIN, ECONNABORTED, EINTR, EOPNOTSUPP } from '../../../sys/system-calls.ts';
import type { Family } from '../../../values/address.ts';
import { KernelError } from '../../../values/errors.ts';
import { returningMark } from '../../../values/firewall-mark.ts';
import { type ClientIdentity, clientIdentity } from '../client-address.ts';
import { type Counters, errorKindOf } from '../counters.ts';
import { type Destination, targetOf } from '../socket-forward.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { Port, WorkerContext } from './context.ts';
import type { Timer } from './event-loop.ts';
import { type SocketName, socketName, type Transport } from './transport.ts';

/** Clients that one event may accept before other descriptors get their turn. */
const turn = 16;

const pauseMilliseconds = 100;

/** Errors of one client, or of none. EOPNOTSUPP: the descriptor is vacated, and the command to stop is on its way. */
const ignoredErrnos = new Set([EAGAIN, EINTR, ECONNABORTED, EOPNOTSUPP]);

export class StreamPort implements Port, ConnectionOwner {
  readonly #connections = new Set<Connection>();
  readonly #names: Partial<Record<Family, SocketName>> = {};
  #pause: Timer | undefined;
  #deadline: Timer | undefined;
  #isClosing = false;

  /** @param onEnded called after `abort` or `drain`, when the last connection has ended */
  constructor(
    readonly fd: number,
    readonly destination: Destination,
    readonly counters: Counters,
    readonly context: WorkerContext,
    readonly transport: Transport,
    readonly onEnded: () => void,
  ) {}

  onEvents(): void {
    // During a pause, each failed attempt to listen again is an event.
    if (this.#pause !== undefined || this.#isClosing) return;
    for (let count = 0; count < turn; count++) {
      const client = this.context.tcp.accept(this.fd);
      if (client < 0) {
        if (!ignoredErrnos.has(-client) && !this.#listensAgain()) this.#pauseAccepting();
        return;
      }
      this.#onAccepted(client);
    }
  }

  drain(): void {
    this.#stopAccepting();
    if (this.#connections.size === 0) return;
    const { loop, settings } = this.context;
    this.#deadline = loop.after(settings.drainMilliseconds, () => this.abort());
  }

  abort(): void {
    this.#stopAccepting();
    for (const connection of this.#connections) connection.abort();
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    this.counters.addClosed();
    this.#endIfEmpty();
  }

  #onAccepted(client: number): void {
    const { descriptors, tcp } = this.context;
    descriptors.add(client);
    const { family } = tcp;
    const target = this.#nameOf(family);
    const backend = descriptors.isAllowed(client) ? this.transport.open(target.bytes, client) : -1;
    if (backend >= 0) descriptors.add(backend);
    const { group } = this.destination;
    const identity = clientIdentity(client, group, group.targets[family]);
    if (identity !== undefined && backend >= 0 && descriptors.isAllowed(backend)) {
      this.#connect(client, backend, target, identity);
      return;
    }
    if (identity === undefined) this.counters.addError('clientReset');
    else this.counters.addDrop('turnedAway');
    if (backend >= 0) descriptors.close(backend);
    tcp.abortOnClose(client);
    descriptors.close(client);
  }

  #nameOf(family: Family): SocketName {
    const name = this.#names[family] ?? socketName(targetOf(this.destination, family));
    this.#names[family] = name;
    return name;
  }

  #connect(client: number, backend: number, target: SocketName, { header, source }: ClientIdentity): void {
    const connection = new Connection(client, backend, this.context, this, header);
    this.#connections.add(connection);
    this.counters.addOpened();
    const bindErrno = source && errnoOf(() => appearAs(backend, source, returningMark));
    const errno = bindErrno ?? this.#startConnecting(backend, target);
    if (errno !== undefined) this.counters.addError(errorKindOf(errno, false));
    else if (errnoOf(() => connection.watch()) === undefined) return;
    else this.counters.addDrop('turnedAway');
    connection.abort();
  }

  #startConnecting(backend: number, { address, bytes }: SocketName): string | undefined {
    const result = this.transport.connect(backend, address, bytes.length);
    return result < 0 ? errnoName(-result) : undefined;
  }

  /** Makes a destroyed socket listen again. @returns whether it was destroyed, and listens now */
  #listensAgain(): boolean {
    return !isListening(this.fd) && errnoOf(() => listenAgain(this.fd)) === undefined;
  }

  /** epoll reports errors always, and a destroyed listener has some; edge-triggered, they are reported once. */
  #pauseAccepting(): void {
    this.counters.addError('acceptFailed');
    this.context.loop.changePort(this.fd, edge);
    this.#pause = this.context.loop.after(pauseMilliseconds, () => {
      this.#pause = undefined;
      this.context.loop.changePort(this.fd, readable);
    });
  }

  #stopAccepting(): void {
    if (this.#pause !== undefined) this.context.loop.cancel(this.#pause);
    this.#isClosing = true;
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (!this.#isClosing || this.#connections.size > 0) return;
    if (this.#deadline !== undefined) this.context.loop.cancel(this.#deadline);
    this.onEnded();
  }
}

/** @returns the errno of a call that failed */
function errnoOf(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}
