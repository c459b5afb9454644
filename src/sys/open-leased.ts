/**
 * Opening a file that somebody may have a lease on, without waiting for him.
 *
 * Who owns a file may ask to be told before others open it, and has 45 seconds to give it up (fcntl(2), F_SETLEASE). Root of a
 * container owns its files, its /etc/hosts among them, and would keep us for so long, with the machine's lock in our hands.
 *
 * @see fcntl(2) on leases, /proc/sys/fs/lease-break-time
 */
import { constants, openSync } from 'node:fs';
import { ignoring, KernelError } from '../values/errors.ts';

/**
 * open(2), at once or not at all.
 *
 * @param operation what for, and on what: `read /etc/hosts below /`
 * @throws KernelError EAGAIN where somebody has a lease; Error of open(2)
 */
export function openAtOnce(operation: string, path: string, flags: number, mode?: number): number {
  const fd = ignoring('EAGAIN', () => openSync(path, flags | constants.O_NONBLOCK, mode));
  if (fd === undefined) throw new KernelError(`${operation}, on which somebody has a lease`, 'EAGAIN');
  return fd;
}
