/** Directories, made by their modes. */
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ignoring } from '../values/errors.ts';

/**
 * `mkdir -p -m MODE PATH`, where the parents that are missing get the same mode. One that is there stays as it is.
 *
 * The mode is exactly that, whatever umask the caller has: whether a container gets through must not depend on it. Node's
 * own `recursive` obeys the umask, and never ends where the kernel denies that the parent exists, as below /proc.
 *
 * @throws Error of mkdir(2)
 */
export function makeDirectory(path: string, mode: number): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path), mode);
  ignoring('EEXIST', () => {
    mkdirSync(path, { mode });
    chmodSync(path, mode);
  });
}
