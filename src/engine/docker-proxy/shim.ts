/** A process that stands where dockerd had started docker-proxy, as the switchboard sees it. */
import { closeSync, readFileSync, statSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { isAlive, type ProcessIdentity } from '../../kernel/process.ts';
import { HeldProcess } from '../../sys/pidfd.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import { type ProxyArguments, parseProxyArguments } from './arguments.ts';

/** dockerd's contract: where the status goes, and where a socket comes from. */
const statusDescriptor = 3;
const socketDescriptor = 4;

/**
 * A shell looks for signals between its commands, and the next one may put it to sleep for good: what it has just missed, it
 * hears when it is woken once more. Also a signal of dockerd's.
 */
const againMilliseconds = [100, 1000, 10_000];

/** `/bin/sh /usr/local/bin/gangway-docker-proxy`, before the words that are for us. */
const program = /(^|\/)[^/]*docker-proxy$/;
const longestProgram = 3;

export class Shim {
  #timers: readonly NodeJS.Timeout[] = [];

  private constructor(
    readonly identity: ProcessIdentity,
    readonly process: HeldProcess,
    readonly words: readonly string[],
  ) {}

  /** @returns undefined if it has ended, or is another program. @throws KernelError EMFILE */
  static open(identity: ProcessIdentity): Shim | undefined {
    const held = HeldProcess.hold(identity.pid);
    if (held === undefined) return undefined;
    // Asked after it is held, the answers hold.
    const words = wordsOf(identity.pid);
    if (words !== undefined && isAlive(identity)) return new Shim(identity, held, words);
    held.close();
    return undefined;
  }

  /** @throws GangwayError for a command line that can't be read; not-supported in another network than ours */
  readArguments(): ProxyArguments {
    const { pid } = this.identity;
    if (network(pid) !== network('self'))
      throw new GangwayError('not-supported', 'the switchboard is in another network than this process', {
        hint: 'start dockerd in the network in which gangway works',
      });
    return parseProxyArguments(this.words);
  }

  /** A copy of the socket that dockerd has handed to it. @throws KernelError EBADF where there is none */
  takeSocket(): number {
    return this.process.takeDescriptor(socketDescriptor);
  }

  /** Tells whoever started it that the port is served, and it that this is said. */
  accept(): void {
    this.#say('0\n');
    this.#signal(constants.signals.SIGUSR1);
  }

  /** Tells whoever started it why not, and ends it. @returns whether somebody could be told */
  refuse(reason: string): boolean {
    const told = this.#say(`1\n${reason}`);
    this.#signal(constants.signals.SIGUSR2);
    return told;
  }

  /** Lets it end, as it has asked. */
  dismiss(): void {
    this.#signal(constants.signals.SIGUSR2);
  }

  onEnd(callback: () => void): void {
    this.process.onEnd(callback);
  }

  /** It is held no more. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.process.close();
  }

  #signal(number: number): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.process.signal(number);
    this.#timers = againMilliseconds.map((delay) => setTimeout(() => this.process.signal(number), delay).unref());
  }

  /** Where it was said before, nothing can be written to the descriptor any more. */
  #say(text: string): boolean {
    const fd = ignoring(['EBADF', 'ESRCH'], () => this.process.takeDescriptor(statusDescriptor));
    if (fd === undefined) return false;
    try {
      return ignoring(['EPIPE', 'EBADF'], () => writeSync(fd, text)) !== undefined;
    } finally {
      closeSync(fd);
    }
  }
}

/** Its command line behind the program. @returns undefined if it is another program, or has ended */
function wordsOf(pid: number): readonly string[] | undefined {
  const text = ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
  const words = text.split('\0').slice(0, -1);
  const place = words.slice(0, longestProgram).findIndex((word) => program.test(word));
  return place === -1 ? undefined : words.slice(place + 1);
}

function network(pid: number | 'self'): number {
  return statSync(`/proc/${pid}/ns/net`).ino;
}
