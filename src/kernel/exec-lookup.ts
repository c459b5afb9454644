/**
 * Will execve(2) find a command, in another tree than ours?
 *
 * Asked before it is started, because crun, nsenter and setpriv can only say it in words of their own, on the command's
 * own stderr. It is a question and no promise: what it can't see, such as a script whose interpreter is missing, they say
 * themselves.
 */
import { statInside } from '../sys/openat2-beneath.ts';
import { GangwayError, ignoring } from '../values/errors.ts';
import { systemPath } from './run-program.ts';

/** Where a command is going to run. */
export interface Whereabouts {
  /** What it is called in a sentence: `container`, `lab`. */
  readonly what: string;
  /** The tree as we reach it: `/proc/PID/root`. */
  readonly root: string;
  readonly workingDirectory: string;
  /** PATH there. */
  readonly searchPath: string | undefined;
}

/** @throws GangwayError command-not-found, command-not-executable */
export function requireCommand(command: string, place: Whereabouts): void {
  // openat2(2) does not follow everything that execve(2) does, such as /proc/self/exe, nor ".." while somebody renames
  // without end: there nothing is known.
  ignoring(['ELOOP', 'EACCES', 'EXDEV', 'ENAMETOOLONG', 'EAGAIN'], () => look(command, place));
}

function look(command: string, { what, root, workingDirectory, searchPath = systemPath }: Whereabouts): void {
  const stat = (path: string) => ignoring(['ENOENT', 'ENOTDIR'], () => statInside(root, path));
  const below = (path: string) => (path.startsWith('/') ? path : `${workingDirectory}/${path}`);
  if (stat(workingDirectory)?.isDirectory() !== true) {
    throw new GangwayError(
      'command-not-executable',
      `command "${command}" can't be executed: the ${what} has no directory ${workingDirectory}`,
      { hint: 'choose another one to start in' },
    );
  }
  const paths = command.includes('/')
    ? [below(command)]
    : searchPath.split(':').map((directory) => `${below(directory)}/${command}`);
  const found = command === '' ? [] : paths.map(stat).filter((stats) => stats !== undefined);
  if (found.some((stats) => stats.isFile() && (stats.mode & 0o111) !== 0)) return;
  throw found.length > 0 ? commandNotExecutable(command) : commandNotFound(command, what);
}

export function commandNotFound(command: string, what = 'container'): GangwayError {
  return new GangwayError('command-not-found', `command "${command}" not found in the ${what}`, {
    hint: command.includes('/')
      ? `with a slash in it, it is a path in the ${what}`
      : `a name without a slash is looked for in the PATH of the ${what}`,
  });
}

export function commandNotExecutable(command: string): GangwayError {
  return new GangwayError('command-not-executable', `command "${command}" can't be executed`, {
    hint: 'it needs the execute permission and must be a program of this processor, or a script whose first line names one',
  });
}
