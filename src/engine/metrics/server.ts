/**
 * Where Prometheus, or whoever asks for it, gets the numbers: HTTP over a Unix socket.
 *
 *     curl --unix-socket /run/gangway/metrics.sock http://localhost/metrics
 *
 * A Unix socket, because what is published on the machine's loopback can be asked by everybody on it. Nothing is measured before
 * somebody asks, and HTTP is not even loaded: it takes 3 MB.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { messageOf } from '../../values/errors.ts';
import { contentType, exposition, type Family } from './prometheus-format.ts';

/** Clients at once; further ones are hung up on. */
const mostClients = 8;

/** From its first byte to our last one. */
const connectionMilliseconds = 30_000;

const mostHeaderBytes = 8192;

const require = createRequire(import.meta.url);

export class MetricsServer {
  readonly #clients = new Set<Socket>();
  readonly #server = createServer((client) => this.#greet(client));
  #http: HttpServer | undefined;

  /** @param measure the numbers of the moment; what it throws is told to who asks */
  constructor(readonly measure: () => readonly Family[]) {
    this.#server.maxConnections = mostClients;
  }

  /** @returns when clients can connect to `path`, which must not exist */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, () => {
        // From here on an error is one client's: accepting it failed.
        this.#server.off('error', reject).on('error', () => {});
        resolve();
      });
    });
  }

  /** The socket's file is gone when this returns, and so is whoever was connected. */
  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
  }

  #greet(client: Socket): void {
    this.#clients.add(client);
    const deadline = setTimeout(() => client.destroy(), connectionMilliseconds);
    client
      .on('error', () => {})
      .on('close', () => {
        clearTimeout(deadline);
        this.#clients.delete(client);
      });
    this.#http ??= this.#speakHttp();
    this.#http.emit('connection', client);
  }

  #speakHttp(): HttpServer {
    const http = require('node:http') as typeof import('node:http');
    return http.createServer({ maxHeaderSize: mostHeaderBytes }, (request, response) =>
      this.#answer(request, response),
    );
  }

  #answer({ method, url }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('Connection', 'close');
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end('ask by GET\n');
    } else if (url?.replace(/\?.*$/s, '') !== '/metrics') {
      response.writeHead(404).end('ask for /metrics\n');
    } else {
      this.#tell(response);
    }
  }

  #tell(response: ServerResponse): void {
    let families: readonly Family[];
    try {
      families = this.measure();
    } catch (error) {
      response.writeHead(500).end(`${messageOf(error)}\n`);
      return;
    }
    response.writeHead(200, { 'Content-Type': contentType });
    // A piece at a time: names are answered in between. A client that has gone needs no more of it.
    Readable.from(exposition(families), { highWaterMark: 1 })
      .on('error', () => {})
      .pipe(response);
  }
}
