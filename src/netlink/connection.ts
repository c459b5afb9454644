/**
 * A conversation with one part of the kernel, in one network namespace.
 *
 * Several requests travel in one sendmsg(2), and only the last asks for an acknowledgement: errors always come back,
 * successes need not. Without the last one's answer nothing is known, and nothing is believed. A batch of rtnetlink is no transaction, the kernel goes on after an error; who sends one knows
 * how to take it back. A batch of nfnetlink is one, see `transact`.
 *
 * @see netlink(7), https://docs.kernel.org/userspace-api/netlink/intro.html
 */
import { closeSocket, openNetlinkSocket, protocols, receive, send } from '../sys/netlink-socket.ts';
import { hasErrno, KernelError } from '../values/errors.ts';
import {
  control,
  flags,
  type MessageKind,
  type RawMessage,
  type Reply,
  type Request,
  readBody,
  readMessages,
  writeMessage,
} from './message.ts';
import { errorCode, refusal } from './refusal.ts';
import { Writer } from './writer.ts';

/** NLM_F_DUMP_INTR: the tables changed while the kernel was reading them out. */
const NLM_F_DUMP_INTR = 0x10;
const dumpAttempts = 5;
/** What is larger than the socket's buffer is refused as a whole (EMSGSIZE); each of these may take 3 kB of it, and be refused. */
const mostAtOnce = 10_000;
/** As large as the kernel ever makes one datagram of a dump. */
const receiveBytes = 32 * 1024;

/** What a connection is made of: bytes out, bytes in. Unit tests put a function in the kernel's place. */
export interface Transport {
  send(bytes: Buffer, length: number): void;
  /** Undefined when nothing is queued. */
  receive(buffer: Buffer): number | undefined;
  close(): void;
}

export class Connection {
  readonly #transport: Transport;
  readonly #writer = new Writer();
  readonly #buffer = Buffer.allocUnsafe(receiveBytes);
  #sequence = 1;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Opens a connection in the network namespace in which the main thread is now. */
  static open(protocol: keyof typeof protocols): Connection {
    const fd = openNetlinkSocket(protocols[protocol]);
    return new Connection({
      send: (bytes, length) => send(fd, bytes, length),
      receive: (buffer) => receive(fd, buffer),
      close: () => closeSocket(fd),
    });
  }

  /**
   * Has the kernel carry out the requests, in order, in one system call.
   *
   * @throws KernelError for the first that failed. The kernel carried out the others all the same.
   */
  execute(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    const first = this.#compose(requests, requests.length - 1, flags.ack);
    const answers = this.#exchange();
    this.#raise(requests, first, answers);
    this.#requireAnswer(requests, first, requests.length - 1, answers);
  }

  /**
   * As `execute`, and tells of each request how it went. There may be any number of them.
   *
   * @returns for each request the error with which it failed, or undefined
   */
  executeEach(requests: readonly Request[]): readonly (KernelError | undefined)[] {
    const failures: (KernelError | undefined)[] = [];
    for (let start = 0; start < requests.length; start += mostAtOnce)
      failures.push(...this.#executeSome(requests.slice(start, start + mostAtOnce)));
    return failures;
  }

  #executeSome(requests: readonly Request[]): readonly (KernelError | undefined)[] {
    const first = this.#compose(requests, requests.length - 1, flags.ack);
    const answers = this.#exchange();
    this.#requireAnswer(requests, first, requests.length - 1, answers);
    const failures = answers.filter(failed);
    return requests.map((sent, index) => {
      const answer = failures.find(({ sequence }) => sequence === first + index);
      return answer === undefined ? undefined : refusal(answer, sent);
    });
  }

  /**
   * Has the kernel carry out all of the requests or none: a batch of nfnetlink, between its two brackets.
   *
   * @throws KernelError for the first that failed; nothing has changed then
   */
  transact(begin: Request, requests: readonly Request[], end: Request): void {
    if (requests.length === 0) return;
    const all = [begin, ...requests, end];
    // Of the closing bracket not every kernel speaks.
    const first = this.#compose(all, requests.length, flags.ack);
    const answers = this.#exchange();
    this.#raise(all, first, answers);
    this.#requireAnswer(all, first, requests.length, answers);
  }

  /** Asks one question and reads the one answer. */
  ask<H, A>(question: Request, kind: MessageKind<H, A>): Reply<H, A> {
    const first = this.#compose([question], 0, 0);
    const answers = this.#exchange();
    this.#raise([question], first, answers);
    const answer = answers.find((message) => message.sequence === first && message.type >= 16);
    if (answer === undefined) throw new KernelError(question.operation, 'ENOMSG', 'the kernel did not answer');
    return readBody(kind, answer.payload);
  }

  /**
   * Reads a whole table out of the kernel, again if it changed meanwhile.
   *
   * @param isWanted selects messages by their bytes, before they are decoded; default all
   * @throws KernelError EINTR if the table did not hold still for five attempts
   */
  dump<H, A>(
    question: Request,
    kind: MessageKind<H, A>,
    isWanted: (payload: Buffer) => boolean = () => true,
  ): readonly Reply<H, A>[] {
    for (let attempt = 0; attempt < dumpAttempts; attempt++) {
      const first = this.#compose([question], 0, flags.dump);
      const answers = this.#exchange().filter((message) => message.sequence === first);
      this.#raise([question], first, answers);
      if (answers.some((message) => (message.flags & NLM_F_DUMP_INTR) !== 0)) continue;
      if (!answers.some(({ type }) => type === control.done))
        throw new KernelError(question.operation, 'ENOMSG', 'the kernel did not come to the end of its table');
      return answers
        .filter(({ type, payload }) => type >= 16 && isWanted(payload))
        .map(({ payload }) => readBody(kind, payload));
    }
    throw new KernelError(question.operation, 'EINTR', `the table changed during each of ${dumpAttempts} dumps`);
  }

  close(): void {
    this.#transport.close();
  }

  /** Writes the messages, one of which carries extra flags. Returns the first sequence number. */
  #compose(requests: readonly Request[], special: number, extraFlags: number): number {
    this.#writer.clear();
    const first = this.#sequence;
    for (const [index, message] of requests.entries()) {
      writeMessage(this.#writer, message, this.#sequence++, index === special ? extraFlags : 0);
    }
    return first;
  }

  /** @throws KernelError ENOMSG where nothing is said of a request that asked for it */
  #requireAnswer(requests: readonly Request[], first: number, asked: number, answers: readonly RawMessage[]): void {
    if (answers.some(({ sequence }) => sequence === first + asked)) return;
    throw new KernelError(requests[asked]?.operation ?? 'ask the kernel', 'ENOMSG', 'the kernel did not answer');
  }

  /** @throws KernelError ENOBUFS if answers were lost: what is left of them is not there for the next question */
  #exchange(): RawMessage[] {
    this.#transport.send(this.#writer.buffer, this.#writer.length);
    const answers: RawMessage[] = [];
    let lost: unknown;
    for (;;) {
      try {
        const length = this.#transport.receive(this.#buffer);
        if (length === undefined) break;
        answers.push(...readMessages(Buffer.from(this.#buffer.subarray(0, length))));
      } catch (error) {
        if (lost !== undefined || !hasErrno(error, 'ENOBUFS')) throw error;
        lost = error;
      }
    }
    if (lost !== undefined) throw lost;
    return answers;
  }

  #raise(requests: readonly Request[], first: number, answers: readonly RawMessage[]): void {
    for (const answer of answers.filter(failed)) {
      const sent = requests[answer.sequence - first];
      if (sent !== undefined) throw refusal(answer, sent);
    }
  }
}

/** Does this message say that a request failed? An error message with the number zero is an acknowledgement. */
function failed(message: RawMessage): boolean {
  const carriesCode = message.type === control.error || message.type === control.done;
  return carriesCode && message.payload.length >= 4 && errorCode(message) !== 0;
}
