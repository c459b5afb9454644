/** A FIFO: a pipe with a name. @see mkfifo(3), fifo(7) */
import { closeSync, constants, openSync, renameSync, rmSync } from 'node:fs';
import { call } from './libc.ts';

/**
 * A new FIFO in the place of what has this name, for its owner alone, and held for both reading and writing, so that to open it
 * never waits.
 *
 *     mkfifo -m 600 PATH
 *
 * In its place before anybody can find it without a writer. Who still reads the one before reads its end for ever.
 */
export function renewFifo(path: string): number {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  call(`make FIFO ${fresh}`, 'int mkfifo(const char *path, unsigned int mode)', fresh, 0o600);
  const fd = holdFifo(fresh);
  try {
    renameSync(fresh, path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** One that is there, held in the same way. @throws ENOENT */
export function holdFifo(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}
