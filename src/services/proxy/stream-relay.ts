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
 * What differs from Docker: docker-proxy turns RST into FIN, and a refusal into an empty answer.
 *
 * Descriptors may run out. Then new clients are turned away, and those that are being served stay. (Should even accept
 * fail, libuv takes the waiting connection with a spare descriptor and closes it, so that the queue does not block.)
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { abortOnClose, listen, longestBacklog, takeError } from '../../sys/inet-socket.ts';
import { descriptor } from '../../sys/stream-descriptor.ts';
import { formatAddress } from '../../values/address.ts';
import { ordinarySettings, type Relay, type RelayOptions, type RelaySettings } from './forward.ts';
import { type SocketForward, type Targets, targetsOf } from './socket-forward.ts';

/** How a connection to a peer that vanished is found out, as Go and therefore Docker does: a probe after 15 s of silence. */
const keepAliveMilliseconds = 15_000;

const connectionOptions = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: keepAliveMilliseconds,
} as const;

export class StreamRelay implements Relay {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #settings: RelaySettings;
  readonly #targets: Targets;

  /**
   * @param fd a listening socket, which is the relay's from now on
   * @throws Error if the loop does not take it
   */
  constructor(
    fd: number,
    readonly forward: SocketForward,
    options: RelayOptions = {},
  ) {
    this.#settings = { ...ordinarySettings, ...options };
    this.#targets = targetsOf(forward);
    this.#server = createServer(connectionOptions, (client) => this.#carry(client));
    // Accepting failed, for one client: EMFILE, or it had already gone. The listener itself can't fail.
    this.#server.on('error', () => {});
    this.#server.listen({ fd });
    // Node tells why by an event, when it is too late.
    if (!this.#server.listening) throw new Error(`cannot listen on port ${forward.binding.hostPort}`);
    // Node has listened again, with a queue of 511, whatever it is told.
    listen(fd, longestBacklog);
  }

  get clients(): number {
    return this.#connections.size;
  }

  cut(): Promise<void> {
    const closed = this.#shut();
    for (const client of this.#connections) reset(client);
    return closed;
  }

  /**
   * When the container has gone, the kernel has closed its sockets, and every connection ends by itself as soon as the
   * client has taken the last bytes. Who has not by then, is cut off.
   */
  async withdraw(): Promise<void> {
    const closed = this.#shut();
    const cut = setTimeout(() => {
      for (const client of this.#connections) reset(client);
    }, this.#settings.drainMilliseconds);
    await closed;
    clearTimeout(cut);
  }

  /** Resolves when the last connection has ended. */
  #shut(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #carry(client: Socket): void {
    const { descriptorLimit, synRetries } = this.#settings;
    if ((descriptor(client) ?? 0) >= descriptorLimit) {
      reset(client);
      return;
    }
    const { address, port } = this.#targets[isOfIpv4(client) ? 4 : 6];
    const backend = connect({ ...connectionOptions, host: formatAddress(address), port });
    // As long as the kernel would try, with TCP_SYNCNT: node has no word for it.
    backend.setTimeout((2 ** (synRetries + 1) - 1) * 1000, () => reset(client));
    backend.once('connect', () => backend.setTimeout(0));
    this.#connections.add(client);
    client.once('close', () => this.#connections.delete(client));
    join(client, backend);
    join(backend, client);
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
 * something is missing, and the other side must know. (Its 'error' says nothing more; 'close' follows it.)
 */
function join(from: Socket, to: Socket): void {
  from.pipe(to, { end: false });
  from.on('end', () => {
    if (isBroken(from)) reset(to);
    else to.end();
  });
  from.on('error', () => {});
  from.on('close', () => {
    if (!from.readableEnded || !from.writableFinished) reset(to);
  });
}

/**
 * Did this stream end by RST? libuv reports an RST that comes right behind data as an orderly end, without having read
 * the error; the kernel still holds it.
 */
function isBroken(socket: Socket): boolean {
  const fd = descriptor(socket);
  return fd !== undefined && takeError(fd) !== undefined;
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
