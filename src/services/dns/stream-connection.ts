/** One client of the name server by TCP: a question, its answer, the next question. */
import type { Socket } from 'node:net';
import type { Responder } from './responder.ts';
import { TcpMessageReader, withLengthPrefix } from './stream-message.ts';

export interface TcpConnectionOptions {
  readonly idleMilliseconds: number;
  readonly queryLimit: number;
}

export class TcpConnection {
  readonly #messages = new TcpMessageReader();
  /** What came in one piece with the question that is being answered. */
  #waiting: Buffer[] = [];
  #left: number;
  #busy = false;
  #ended = false;
  readonly #clock: NodeJS.Timeout;

  /** @param onProgress called whenever a question is complete */
  constructor(
    readonly socket: Socket,
    readonly responder: Responder,
    { idleMilliseconds, queryLimit: questionLimit }: TcpConnectionOptions,
    readonly onProgress: () => void,
  ) {
    this.#left = questionLimit;
    this.#clock = setTimeout(() => this.#timeIsUp(), idleMilliseconds);
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('end', () => {
      this.#ended = true;
      this.#next();
    });
    // A client that was killed may leave with an error; 'close' follows it.
    socket.on('error', () => {});
    socket.on('close', () => clearTimeout(this.#clock));
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
    this.onProgress();
    const understood = this.responder.respond(message, 'tcp', (answer) => this.#write(answer));
    if (!understood) this.socket.destroy();
  }

  #write(answer: Buffer): void {
    this.#clock.refresh();
    this.#left--;
    this.socket.write(withLengthPrefix(answer), () => {
      this.#busy = false;
      if (this.#left > 0) this.#next();
      else this.socket.end();
    });
  }

  /** The time of servers is bounded elsewhere. A client that does not take its answer is idle: it is told by `writableLength`. */
  #timeIsUp(): void {
    if (this.#busy && this.socket.writableLength === 0) this.#clock.refresh();
    else this.socket.destroy();
  }
}
