/** The descriptors that the engine opens and closes: each is in the ledger as long as it is open. */
import { type SystemCalls, systemCalls } from '../../../sys/system-calls.ts';
import type { Ledger } from './fd-registry.ts';

export class Descriptors {
  readonly #calls: SystemCalls = systemCalls();

  /** @param limit those for clients are below it */
  constructor(
    readonly ledger: Ledger,
    readonly limit: number,
  ) {}

  own(fd: number): void {
    this.ledger.add(fd);
  }

  /** May a client have it? */
  allow(fd: number): boolean {
    return fd < this.limit;
  }

  close(fd: number): void {
    this.ledger.remove(fd);
    this.#calls.close(fd);
  }
}
