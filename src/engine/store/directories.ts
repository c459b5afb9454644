/** The two directories in which gangway keeps things. */

import { readdirSync } from 'node:fs';
import { GangwayError, hasErrno } from '../../values/errors.ts';
import { isAbsolute } from '../../values/path.ts';

export interface Directories {
  readonly state: string;
  readonly runtime: string;
}

/**
 * Where things are kept, unless somebody says otherwise. Programs that we start know them, too, wherever they are.
 *
 * @throws GangwayError invalid-option for what is no absolute path
 */
export function directoriesOf(options: {
  readonly stateDirectory?: string;
  readonly runtimeDirectory?: string;
}): Directories {
  const { stateDirectory = '/var/lib/gangway', runtimeDirectory = '/run/gangway' } = options;
  return {
    state: checkDirectory('--state-directory', stateDirectory),
    runtime: checkDirectory('--runtime-directory', runtimeDirectory),
  };
}

function checkDirectory(option: string, path: string): string {
  if (isAbsolute(path)) return path;
  throw new GangwayError('invalid-option', `${option} ${JSON.stringify(path)} is no absolute path`, {
    hint: 'begin it with a slash',
  });
}

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

/** What the disk says, in the words of somebody who asked for a container. */
function isOurs(error: Error & { readonly path?: unknown }, directories: readonly string[]): boolean {
  const { path } = error;
  return typeof path === 'string' && directories.some((directory) => `${path}/`.startsWith(`${directory}/`));
}
