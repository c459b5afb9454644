/** The UDP side of a container's name server. */
import type { DatagramBuffer, ReturnPath } from '../../sys/datagram-buffer.ts';
import { closeSocket } from '../../sys/inet-socket.ts';
import { type Watch, whenReadable } from '../../sys/readiness.ts';
import type { Responder } from './responder.ts';

/** Questions that one container may ask before the others get their turn. */
const turn = 64;

export class UdpServer {
  readonly #watch: Watch;
  #open = true;

  /** @param fd a bound socket, which is the server's from now on */
  constructor(
    readonly fd: number,
    readonly responder: Responder,
    readonly buffer: DatagramBuffer,
  ) {
    this.#watch = whenReadable(fd, () => this.#serve());
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.close();
    closeSocket(this.fd);
  }

  #serve(): void {
    for (let count = 0; count < turn && this.#open; count++) {
      const length = this.buffer.receiveFrom(this.fd);
      if (length === undefined) return;
      this.#answer(this.buffer.payload.subarray(0, length));
    }
  }

  #answer(message: Buffer): void {
    // Most answers are there at once: then the buffer still knows who asked.
    let path: ReturnPath | undefined;
    let answered = false;
    this.responder.respond(message, 'udp', (answer) => {
      answered = true;
      if (!this.#open) return;
      this.buffer.payload.set(answer);
      if (path === undefined) this.buffer.reply(this.fd, answer.length);
      else this.buffer.sendBack(this.fd, answer.length, path);
    });
    if (!answered) path = this.buffer.returnPath();
  }
}
