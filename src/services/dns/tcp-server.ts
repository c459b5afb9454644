/**
 * The TCP server of a container's name server.
 *
 * A connection processes one query at a time: the server reads nothing while it answers a query or while the client has not
 * read the answer. So a connection holds at most one query and one answer in memory. Limits keep clients from
 * occupying the server:
 *
 *   time          two seconds without a complete query, or with an unread answer
 *   queries       128, then an orderly close
 *   connections   64; a new one closes the one that has been idle longest
 *   descriptors   a limit for all containers together; beyond it, new connections are closed
 *
 * @see RFC 7766
 */
import { createServer, type Server, type Socket } from 'node:net';
import { isListening } from '../../sys/inet-socket.ts';
import { acceptOn } from '../../sys/node-listener.ts';
import { descriptor } from '../../sys/stream-descriptor.ts';
import { TcpMessageReader, withLengthPrefix } from './message.ts';
import type { Responder } from './responder.ts';

const idleMilliseconds = 2000;
const queryLimit = 128;
const connectionLimit = 64;

/**
 * A container with NET_ADMIN can destroy the listener (`ss -K`). A destroyed listener stays readable without a client, and
 * libuv would poll it forever without an error.
 */
const listenerCheckMilliseconds = 1000;

export class TcpServer {
  readonly #check: NodeJS.Timeout;
  readonly #server: Server;
  /** In order of the last query. */
  readonly #connections = new Set<TcpConnection>();

  /**
   * @param fd a listening socket; the server owns it, also if this throws
   * @param descriptorLimit clients with this file descriptor or a higher one are closed
   * @throws Error if the server can't listen
   */
  constructor(
    fd: number,
    readonly responder: Responder,
    readonly descriptorLimit: number,
  ) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    // accept(2) failed for one client, which had left, or for want of descriptors.
    this.#server.on('error', () => {});
    acceptOn(this.#server, fd, connectionLimit);
    this.#check = setInterval(() => {
      if (!isListening(fd)) this.close();
    }, listenerCheckMilliseconds).unref();
  }

  get connections(): number {
    return this.#connections.size;
  }

  close(): void {
    clearInterval(this.#check);
    this.#server.close();
    for (const { socket } of this.#connections) socket.destroy();
  }

  #accept(socket: Socket): void {
    if ((descriptor(socket) ?? 0) >= this.descriptorLimit) {
      socket.destroy();
      return;
    }
    const [oldest] = this.#connections;
    if (oldest !== undefined && this.#connections.size >= connectionLimit) oldest.socket.destroy();
    const connection = new TcpConnection(socket, this.responder, () => {
      if (this.#connections.delete(connection)) this.#connections.add(connection);
    });
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
  }
}

class TcpConnection {
  readonly #messages = new TcpMessageReader();
  /** Queries that arrived together with the current query. */
  #waiting: Buffer[] = [];
  #left = queryLimit;
  #busy = false;
  #ended = false;
  readonly #timer: NodeJS.Timeout;

  /** @param onQuery called for each complete query */
  constructor(
    readonly socket: Socket,
    readonly responder: Responder,
    readonly onQuery: () => void,
  ) {
    this.#timer = setTimeout(() => this.#expire(), idleMilliseconds);
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('end', () => {
      this.#ended = true;
      this.#next();
    });
    // 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => clearTimeout(this.#timer));
  }

  #read(bytes: Buffer): void {
    this.socket.pause();
    this.#waiting.push(...this.#messages.push(bytes));
    this.#next();
  }

  #next(): void {
    if (this.#busy || this.socket.destroyed) return;
    const message = this.#waiting.shift();
    if (message === undefined) {
      if (this.#ended) this.socket.end();
      else this.socket.resume();
      return;
    }
    this.#busy = true;
    this.onQuery();
    const isQuery = this.responder.respond(message, 'tcp', (answer) => this.#write(answer));
    if (!isQuery) this.socket.destroy();
  }

  #write(answer: Buffer): void {
    this.#timer.refresh();
    this.#left--;
    this.socket.write(withLengthPrefix(answer), () => {
      this.#busy = false;
      if (this.#left > 0) this.#next();
      else this.socket.end();
    });
  }

  /** Closes an idle connection. Waiting for an upstream server is not idle; an answer that the client does not read is. */
  #expire(): void {
    if (this.#busy && this.socket.writableLength === 0) this.#timer.refresh();
    else this.socket.destroy();
  }
}
