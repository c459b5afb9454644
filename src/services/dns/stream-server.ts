/**
 * The TCP side of a container's name server.
 *
 * Theory of operation. Whoever connects gets one thing at a time: while a question is being answered, and while the answer
 * has not been taken, nothing more is read. So a connection never holds more than a question and an answer, however much
 * its client sends and however little it reads. Four bounds see to it that nobody can keep a place:
 *
 *   time          two seconds without a question that was completed, or with an answer that is not taken
 *   questions     128, then the connection is closed in order
 *   connections   64; the one that has waited longest makes room for a new one
 *   descriptors   those of the process, of all its containers together: who would get one beyond is turned away
 *
 * Half a question, its length and nothing more, or a byte a second: that is a client without a complete question.
 *
 * @see RFC 7766
 */
import { createServer, type Server, type Socket } from 'node:net';
import { isListening } from '../../sys/inet-socket.ts';
import { acceptOn } from '../../sys/node-listener.ts';
import { descriptor } from '../../sys/stream-descriptor.ts';
import type { Responder } from './responder.ts';
import { TcpConnection } from './stream-connection.ts';

export interface TcpServerOptions {
  /** Default 2,000. */
  readonly idleMilliseconds?: number;
  /** Default 128. */
  readonly queryLimit?: number;
  /** Default 64. */
  readonly connectionLimit?: number;
  /** No client whose descriptor would be this one or a higher one. Default: any. */
  readonly descriptorLimit?: number;
}

const defaults = {
  idleMilliseconds: 2000,
  queryLimit: 128,
  connectionLimit: 64,
  descriptorLimit: Number.POSITIVE_INFINITY,
};

/**
 * A container with NET_ADMIN may destroy the listener (`ss -K`). Such a socket is always ready and never has a client; libuv would
 * ask it for ever, and tells nobody.
 */
const lookMilliseconds = 1000;

export class TcpServer {
  readonly #watch: NodeJS.Timeout;
  readonly #server: Server;
  /** The one that has waited longest first. */
  readonly #connections = new Set<TcpConnection>();
  readonly #options: Required<TcpServerOptions>;

  /**
   * @param fd a listening socket, which is the server's from now on, also if this throws
   * @throws Error if it can't listen
   */
  constructor(
    fd: number,
    readonly responder: Responder,
    options: TcpServerOptions = {},
  ) {
    this.#options = { ...defaults, ...options };
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#greet(socket));
    // Accepting failed, for one client: it had already gone, or descriptors ran out.
    this.#server.on('error', () => {});
    acceptOn(this.#server, fd, this.#options.connectionLimit);
    this.#watch = setInterval(() => {
      if (!isListening(fd)) this.close();
    }, lookMilliseconds).unref();
  }

  get connections(): number {
    return this.#connections.size;
  }

  close(): void {
    clearInterval(this.#watch);
    this.#server.close();
    for (const { socket } of this.#connections) socket.destroy();
  }

  #greet(socket: Socket): void {
    if ((descriptor(socket) ?? 0) >= this.#options.descriptorLimit) {
      socket.destroy();
      return;
    }
    const [longest] = this.#connections;
    if (longest !== undefined && this.#connections.size >= this.#options.connectionLimit) longest.socket.destroy();
    const connection = new TcpConnection(socket, this.responder, this.#options, () => {
      // To the end of the line.
      if (this.#connections.delete(connection)) this.#connections.add(connection);
    });
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
  }
}
