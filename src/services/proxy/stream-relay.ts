/**
 * One published TCP port in user space, by Node's own sockets: for where the engine (engine/connection.ts) can't work.
 *
 * Theory of operation. What the firewall cannot translate (a client on the host's own loopback, IPv6 to a container
 * without it) ends at a socket of ours, and is carried on by a second connection:
 *
 *     client ── 127.0.0.1:8080 │ relay │ 172.17.0.1:49200 ── 172.17.0.2:80 container
 *
 * The container sees the bridge's own address as the client. A relay must not be noticed otherwise, so what happens to
 * one connection happens to the other:
 *
 *   data         is read from one side only as fast as the other side takes it
 *   FIN          ends one direction; the other goes on until its own FIN
 *   RST          becomes RST, and never an orderly end: the reader must know that something is missing
 *   refused      becomes RST: the client is connected already, and hears at once that nobody is there
 *   no answer    becomes RST as well, after 31 s
 *
 * Where the container is to be told of its client, a header comes first (introduction.ts).
 *
 * What differs from Docker: docker-proxy turns RST into FIN, and a refusal into an empty answer.
 *
 * Descriptors may run out. Then new clients are turned away, and those that are being served stay. (Should even accept
 * fail, libuv takes the waiting connection with a spare descriptor and closes it, so that the queue does not block.)
 *
 * A listener that was destroyed libuv would ask for ever, and it tells nobody. So each is looked after, once a second: it listens
 * again. Where another program has taken its port meanwhile, that one has it until the port is published anew.
 */
import { readSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { abortOnClose, dropped, type Endpoint, isListening, longestBacklog, takeError } from '../../sys/inet-socket.ts';
import { acceptOn } from '../../sys/node-listener.ts';
import { listenAgain } from '../../sys/reopen-listener.ts';
import { descriptor } from '../../sys/stream-descriptor.ts';
import { StreamOptions } from '../../sys/tcp-options.ts';
import { type Address, formatAddress } from '../../values/address.ts';
import { hasErrno, ignoring, KernelError } from '../../values/errors.ts';
import { introduction } from './client-address.ts';
import { connectFrom } from './connect-from.ts';
import { Counters, type Counts, errorKindOf } from './counters.ts';
import { ordinarySettings, type Relay, type RelayOptions, type RelaySettings } from './relay.ts';
import { type SocketForward, targetOf } from './socket-forward.ts';

const lookMilliseconds = 1000;

export class StreamRelay implements Relay {
  readonly #server: Server;
  readonly #watch: NodeJS.Timeout;
  /** Of each client the socket to the container. */
  readonly #connections = new Map<Socket, Socket>();
  readonly #counters = new Counters();
  readonly #droppedBefore: number;
  readonly #settings: RelaySettings;
  readonly #options: StreamOptions;

  /**
   * @param fd a listening socket, which is the relay's from now on, also if this throws
   * @throws Error if it can't listen
   */
  constructor(
    readonly fd: number,
    readonly forward: SocketForward,
    options: RelayOptions = {},
  ) {
    this.#settings = { ...ordinarySettings, ...options };
    this.#options = new StreamOptions(this.#settings.synRetries);
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#carry(client));
    // Accepting failed, for one client: EMFILE, or it had already gone.
    this.#server.on('error', (error) => {
      if (hasErrno(error, 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM')) this.#counters.dropped('turnedAway');
    });
    acceptOn(this.#server, fd, longestBacklog);
    // From here on nothing fails: it is a socket that listens.
    this.#droppedBefore = dropped(fd);
    this.#options.prepare(fd);
    this.#watch = setInterval(() => this.#lookAfter(), lookMilliseconds).unref();
  }

  get clients(): number {
    return this.#connections.size;
  }

  counts(): Counts {
    const ended = this.#counters.read();
    let { bytesIn, bytesOut } = ended;
    for (const [client, backend] of this.#connections) {
      bytesIn += client.bytesRead;
      bytesOut += backend.bytesRead;
    }
    const overflowed = this.#server.listening ? dropped(this.fd) - this.#droppedBefore : 0;
    return { ...ended, bytesIn, bytesOut, overflowed };
  }

  cut(): Promise<void> {
    const closed = this.#shut();
    for (const client of this.#connections.keys()) reset(client);
    return closed;
  }

  /**
   * When the container has gone, the kernel has closed its sockets, and every connection ends by itself as soon as the
   * client has taken the last bytes. Who has not by then, is cut off.
   */
  async withdraw(): Promise<void> {
    const closed = this.#shut();
    const cut = setTimeout(() => {
      for (const client of this.#connections.keys()) reset(client);
    }, this.#settings.drainMilliseconds);
    await closed;
    clearTimeout(cut);
  }

  /** Resolves when the last connection has ended. */
  #shut(): Promise<void> {
    clearInterval(this.#watch);
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #lookAfter(): void {
    if (isListening(this.fd)) return;
    try {
      listenAgain(this.fd);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      void this.#shut();
    }
  }

  #carry(client: Socket): void {
    const { descriptorLimit, synRetries } = this.#settings;
    const fd = descriptor(client);
    const target = targetOf(this.forward, isOfIpv4(client) ? 4 : 6);
    const how = fd === undefined ? undefined : introduction(fd, this.forward.way, target.address);
    if (fd === undefined || fd >= descriptorLimit || how === undefined) {
      if (how === undefined) this.#counters.failed('clientReset');
      else this.#counters.dropped('turnedAway');
      reset(client);
      return;
    }
    const backend = this.#connect(target, how.source);
    if (backend === undefined) {
      reset(client);
      return;
    }
    this.#begin(client, backend);
    // The first failure of a connection has caused the others.
    let failed = false;
    const fail = (errno: string, ofClient: boolean) => {
      if (!failed) this.#counters.failed(errorKindOf(errno, ofClient));
      failed = true;
    };
    if (how.source === undefined) {
      // As long as the kernel would try, with TCP_SYNCNT: node has no word for it.
      backend.setTimeout((2 ** (synRetries + 1) - 1) * 1000, () => {
        fail('ETIMEDOUT', false);
        reset(client);
      });
      backend.once('connect', () => backend.setTimeout(0));
    }
    if (how.first.length > 0) backend.write(how.first);
    join(client, backend, (errno) => fail(errno, true));
    join(backend, client, (errno) => fail(errno, false));
  }

  /** What Node has no word for: how often a peer that is silent is asked. Accepted sockets have it from the listener. */
  #prepare(backend: Socket): void {
    const fd = descriptor(backend);
    if (fd !== undefined) this.#options.prepare(fd);
  }

  /** @returns undefined, and counted, where it can't even begin */
  #connect(target: Endpoint, source: Address | undefined): Socket | undefined {
    const { address, port } = target;
    if (source === undefined) {
      const backend = connect({ allowHalfOpen: true, host: formatAddress(address), port });
      return backend.once('connect', () => this.#prepare(backend));
    }
    try {
      return connectFrom(source, target, this.#settings.synRetries);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#counters.failed(errorKindOf(error.errno, false));
      return undefined;
    }
  }

  #begin(client: Socket, backend: Socket): void {
    this.#connections.set(client, backend);
    this.#counters.began();
    client.once('close', () => {
      this.#connections.delete(client);
      this.#counters.ended();
      this.#counters.carried(true, client.bytesRead);
      this.#counters.carried(false, backend.bytesRead);
    });
  }
}

/** A socket that speaks both families calls a client of IPv4 ::ffff:203.0.113.2. One that has gone already has no address. */
function isOfIpv4({ remoteAddress = '' }: Socket): boolean {
  return remoteAddress.includes('.');
}

/**
 * Carries one direction: data, its end, and its breaking off.
 *
 * A socket closes by itself when both its directions have ended in order. If it closes before, for whatever reason,
 * something is missing, and the other side must know. (Its 'error' says why; 'close' follows it.)
 */
function join(from: Socket, to: Socket, onFailure: (errno: string) => void): void {
  from.pipe(to, { end: false });
  carryLast(from, to);
  from.on('end', () => {
    const errno = breakage(from);
    if (errno === undefined) {
      to.end();
      return;
    }
    onFailure(errno);
    reset(to);
  });
  from.on('error', ({ code = 'ECONNRESET' }: NodeJS.ErrnoException) => onFailure(code));
  from.on('close', () => {
    if (!from.readableEnded || !from.writableFinished) reset(to);
  });
}

/**
 * Has what had come carried before a socket is closed that has broken: a write that fails destroys it at once, and with it the
 * answer of whom went without reading the rest. Behind what Node holds back it would be out of order.
 */
function carryLast(from: Socket, to: Socket): void {
  const destroy = from._destroy.bind(from);
  from._destroy = (error, callback) => {
    const fd = descriptor(from);
    if (fd !== undefined && from.readableLength === 0 && hasErrno(error, 'ECONNRESET', 'EPIPE', 'ENOTCONN')) {
      for (let piece = readNow(fd); piece.length > 0; piece = readNow(fd)) to.write(piece);
    }
    destroy(error, callback);
  };
}

function readNow(fd: number): Buffer {
  const memory = Buffer.allocUnsafe(65_536);
  const length = ignoring(['EAGAIN', 'ECONNRESET'], () => readSync(fd, memory)) ?? 0;
  return memory.subarray(0, length);
}

/**
 * Did this stream end by RST? libuv reports an RST that comes right behind data as an orderly end, without having read
 * the error; the kernel still holds it.
 */
function breakage(socket: Socket): string | undefined {
  const fd = descriptor(socket);
  return fd === undefined ? undefined : takeError(fd);
}

/**
 * Breaks a connection off with RST, whatever is still to be sent.
 *
 * Not by `resetAndDestroy`: libuv refuses that while a FIN waits behind unsent data. Closed plainly, that socket would send
 * the FIN without the data, and what is cut off would look complete.
 */
function reset(socket: Socket): void {
  const fd = descriptor(socket);
  if (fd !== undefined) abortOnClose(fd);
  socket.destroy();
}
