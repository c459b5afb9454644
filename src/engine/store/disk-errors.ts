/** What the disk says, in the words of somebody who asked for a container. */
import { readdirSync } from 'node:fs';
import { GangwayError, hasErrno } from '../../values/errors.ts';
import type { Directories } from './directories.ts';

/** The error as it is, or where our directories can't be written to: which they are, and what to do about it. */
export function diskError(error: unknown, { state, runtime }: Directories): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const directories = `${state} or ${runtime}`;
  if (hasErrno(error, 'ENOSPC', 'EDQUOT')) {
    return new GangwayError('disk-full', `no space left below ${directories}`, {
      hint: 'free some, and try again: `df` shows which file system is full',
      cause: error,
    });
  }
  const unusable =
    hasErrno(error, 'ENOTDIR', 'EROFS', 'EACCES', 'EEXIST', 'ENAMETOOLONG', 'ELOOP') ||
    (hasErrno(error, 'ENOENT') && error.syscall === 'mkdir');
  if (!unusable || !isOurs(error, [state, runtime])) return error;
  return new GangwayError('invalid-option', `${directories} can't be used: ${error.message}`, {
    hint: 'both must be directories that can be written to; --state-directory and --runtime-directory choose others',
    cause: error,
  });
}

/** What a directory of ours holds; nothing, while there is none. @throws GangwayError of `diskError` */
export function namesIn(directory: string, directories: Directories): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw diskError(error, directories);
  }
}

function isOurs(error: Error & { readonly path?: unknown }, directories: readonly string[]): boolean {
  const { path } = error;
  return typeof path === 'string' && directories.some((directory) => `${path}/`.startsWith(`${directory}/`));
}
