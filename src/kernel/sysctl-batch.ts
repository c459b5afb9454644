/**
 * Writing many settings in many namespaces, at a cost that does not grow with their number.
 *
 * The first ones go through the machine's own /proc. A program that goes on gets a procfs of its own, and a new one
 * every few containers, so that the list of names which the kernel walks stays short (sys/procfs.ts).
 */
import { closeSync } from 'node:fs';
import { openProcfs } from '../sys/procfs.ts';
import { type Setting, writeSysctl } from './sysctl.ts';

/** Sixteen containers' worth. */
const writesPerInstance = 64;

export class Settings implements Disposable {
  #writes = 0;
  #procfs: number | undefined;

  /** `sysctl -qw KEY=VALUE`, in the network namespace of the calling thread. @throws KernelError as `writeSysctl` */
  write(setting: Setting): void {
    if (this.#writes > 0 && this.#writes % writesPerInstance === 0) this.#renew();
    this.#writes++;
    writeSysctl(setting, this.#procfs === undefined ? '/proc' : `/proc/self/fd/${this.#procfs}`);
  }

  #renew(): void {
    this[Symbol.dispose]();
    this.#procfs = openProcfs();
  }

  [Symbol.dispose](): void {
    if (this.#procfs !== undefined) closeSync(this.#procfs);
    this.#procfs = undefined;
  }
}
