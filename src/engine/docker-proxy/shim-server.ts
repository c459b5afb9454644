/**
 * docker-proxy's place, taken by the switchboard.
 *
 * Theory of operation. dockerd wants a process for each port that it publishes: one that says "0\n" into descriptor 3 when
 * the port is served, and ends on SIGINT. A Node process for each would be absurd, so it is a shell that sleeps in read(2)
 * (gangway-docker-proxy, beside this file), and the switchboard serves all of them:
 *
 *     dockerd            stand-in, a shell                              switchboard
 *        │ starts ──────────> │ "PID BORN serve" ──> docker-proxy.requests ──> holds it by a pidfd, reads /proc/PID/cmdline,
 *        │                    │ reads docker-proxy.life: sleeps                binds, or takes its descriptor 4; serves
 *        │ <────────────────────────────── "0\n" ──────────────────────────── in a copy of its descriptor 3
 *        │                    │ closes its own <────────── SIGUSR1 ───────────
 *        │ SIGINT ──────────> │ "PID BORN leave" ────────────────────────────> gives the port back
 *        │ <───────────────── ends <────────────────────── SIGUSR2 ───────────
 *
 * A shell can't speak to a socket, but it can write to a FIFO; and no answer has to go through it, since the kernel lets us
 * reach into a process that we hold. What it writes are two numbers and a word: no argument passes through it, and none can
 * be a second request. Whoever may write there is root.
 *
 * **A stand-in dies** in any way: its pidfd says so. **The switchboard dies** in any way: the kernel closes its end of
 * docker-proxy.life, of which nobody else holds one, and all stand-ins read an end. One of them starts the next switchboard,
 * and all ask again. That one makes a FIFO of its own: who has not been awake in between still reads the end of the one
 * before. There are no records: they alone know what dockerd wanted.
 *
 * What differs from docker-proxy: connections of a container that has stopped may end by themselves, ten seconds long.
 *
 * @see fifo(7), pidfd_getfd(2)
 */
import { closeSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { ProcessIdentity } from '../../kernel/process.ts';
import { holdFifo, renewFifo } from '../../sys/fifo.ts';
import { GangwayError, ignoring, messageOf } from '../../values/errors.ts';
import { type ForwardSet, gather } from '../../values/forward-set.ts';
import { LineSplitter } from '../../values/line-splitter.ts';
import { Shim } from './shim.ts';

type Request = ProcessIdentity & { readonly act: 'serve' | 'leave' };

/** The part of the switchboard that binds and serves the ports of a shim. */
export interface PortServer {
  /** @param takeSocket takes over a socket that dockerd has bound. Absent: the switchboard binds its own */
  serveAtOnce(
    publication: { readonly owner: string; readonly name: string; readonly forwards: readonly ForwardSet[] },
    takeSocket?: () => number,
  ): void;
  withdraw(owner: string): void;
}

export class ShimServer {
  readonly #lines = new LineSplitter();
  readonly #present = new Map<string, Shim>();
  #requests: Socket | undefined;
  #life: number | undefined;

  /** @param say is told what nobody else can be told */
  constructor(
    readonly ports: PortServer,
    readonly say: (sentence: string) => void,
  ) {}

  /** Whose ports no record knows. */
  get owners(): ReadonlySet<string> {
    return new Set(this.#present.keys());
  }

  /** Hears stand-ins from now on, and has heard those who have spoken already when this returns. */
  open({ requests, life }: { readonly requests: string; readonly life: string }): void {
    if (this.#requests !== undefined) return;
    const fd = holdFifo(requests);
    this.#life = renewFifo(life);
    const memory = Buffer.alloc(4096);
    const read = () => ignoring('EAGAIN', () => readSync(fd, memory)) ?? 0;
    for (let length = read(); length > 0; length = read()) this.#hear(memory.toString('latin1', 0, length));
    this.#requests = new Socket({ fd, readable: true }).setEncoding('latin1');
    this.#requests.on('data', (text: string) => this.#hear(text)).on('error', ({ message }) => this.say(message));
  }

  /** They are heard no more, and see that. */
  close(): void {
    this.#requests?.destroy();
    if (this.#life !== undefined) closeSync(this.#life);
    this.#life = undefined;
    for (const standIn of this.#present.values()) standIn.close();
    this.#present.clear();
  }

  #hear(text: string): void {
    for (const line of this.#lines.push(text)) {
      const request = parseRequest(line);
      if (request === undefined) this.say(`not from a stand-in of docker-proxy: ${JSON.stringify(line)}`);
      else this.#carryOut(request);
    }
  }

  #carryOut({ act, ...identity }: Request): void {
    const owner = ownerOf(identity);
    try {
      if (act === 'serve') this.#serve(owner, identity);
      else this.#leave(owner, identity);
    } catch (error) {
      this.say(`${owner}: ${withKernelsWords(error)}`);
    }
  }

  /** @throws KernelError EMFILE */
  #serve(owner: string, identity: ProcessIdentity): void {
    if (this.#present.has(owner)) return;
    const standIn = this.#meet(owner, identity);
    if (standIn === undefined) return;
    try {
      this.#begin(owner, standIn);
      standIn.accept();
    } catch (error) {
      const reason = withKernelsWords(error);
      if (!standIn.refuse(reason)) this.say(`${owner}: ${reason}`);
    }
  }

  #begin(owner: string, standIn: Shim): void {
    const { forward, bound } = standIn.readArguments();
    const publication = { owner, name: `docker-proxy (pid ${standIn.identity.pid})`, forwards: gather([forward]) };
    this.ports.serveAtOnce(publication, bound ? () => standIn.takeSocket() : undefined);
  }

  /** Also of one who has not asked here: the end of the switchboard before this one was in between. */
  #leave(owner: string, identity: ProcessIdentity): void {
    this.ports.withdraw(owner);
    (this.#present.get(owner) ?? this.#meet(owner, identity))?.dismiss();
  }

  #meet(owner: string, identity: ProcessIdentity): Shim | undefined {
    const standIn = Shim.open(identity);
    if (standIn === undefined) return undefined;
    this.#present.set(owner, standIn);
    standIn.onEnd(() => this.#end(owner));
    return standIn;
  }

  #end(owner: string): void {
    this.#present.get(owner)?.close();
    this.#present.delete(owner);
    this.ports.withdraw(owner);
  }
}

/** Where a container has its id. */
function ownerOf({ pid, startTime }: ProcessIdentity): string {
  return `docker-proxy ${pid}:${startTime}`;
}

function parseRequest(line: string): Request | undefined {
  const [, pid, startTime = '', act] = /^([1-9]\d{0,9}) (\d+) (serve|leave)$/.exec(line) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), startTime, act: act === 'serve' ? 'serve' : 'leave' };
}

/** People, and programs, look for the kernel's words where a port is taken. */
function withKernelsWords(error: unknown): string {
  const isTaken = error instanceof GangwayError && error.code === 'port-in-use';
  return isTaken ? `${error.message}: address already in use` : messageOf(error);
}
