/**
 * Giving memory back when much has come or gone.
 *
 * What Node needs for its start, and what thousands of ports leave behind that come or go, is 5 to 20 MB. V8 and the C library
 * would keep it for next time; but the switchboard lives for months, and next time may be never.
 */
import type { SpliceWorker } from '../../services/proxy/splice-worker/splice-worker.ts';
import { memoryReturn } from '../../sys/malloc-trim.ts';

const manySockets = 1000;

/** Nobody waits for an answer any more. */
const quiet = 1000;

export class Tidying {
  /** Since the last time. The first socket is reason enough: the start lies behind. */
  #changed = manySockets;
  #timer: NodeJS.Timeout | undefined;
  #giveBack: (() => void) | undefined;

  /** @param worker has a thread that returns memory, too */
  constructor(
    readonly worker: Pick<SpliceWorker, 'trimMemory'>,
    readonly quietMilliseconds = quiet,
  ) {}

  /** So many sockets have come, or gone. */
  changed(sockets: number): void {
    this.#changed += sockets;
    if (this.#changed <= manySockets) return;
    this.#timer ??= setTimeout(() => this.#tidy(), this.quietMilliseconds).unref();
    this.#timer.refresh();
  }

  #tidy(): void {
    this.#changed = 0;
    this.#timer = undefined;
    this.#giveBack ??= memoryReturn();
    this.#giveBack();
    this.worker.trimMemory();
  }
}
