/**
 * What happens when a container ends by itself.
 *
 *     container ends -> conmon writes EXITS/ID -> conmon runs the exit script
 *                                                   waits for the lock that an attached client holds
 *                                                   is the container's directory gone?  the client has cleaned up: done
 *                                                   else: gangway _exited ID
 *
 * A client in the foreground holds `lock` in the container's directory with flock(2) while it lives, sees the end first,
 * and cleans up in its own, already running process: a second Node would cost twice its work. A client that is killed
 * can't forget to unlock: the kernel does it, and the exit script goes on. Without a client nobody holds the lock.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { ignoring } from '../../values/errors.ts';
import type { Launch } from '../../values/launch.ts';

/**
 * Parameters: the container's directory, then the command that cleans up.
 *
 * `-ef` compares inodes: a directory of the same name that was made meanwhile belongs to another life of the container.
 */
export const exitScript = `[ -e "$1/lock" ] || exit 0
exec 9<"$1/lock"
flock 9
[ "$1/lock" -ef /proc/self/fd/9 ] || exit 0
exec 9<&-
cd /
shift
exec "$@"
`;

/** The exit script with its parameters, as conmon and the supervisor run it. */
export function exitCommand(launch: Launch): string[] {
  return ['/bin/sh', '-c', exitScript, 'gangway', launch.directory, ...launch.exitCommand];
}

/** The file that an attached client locks with flock(2), exclusively, before it starts the container. */
export function lockPath(launch: Launch): string {
  return `${launch.directory}/lock`;
}

/** How a container ended. */
export interface ExitInfo {
  readonly exitCode: number;
  /** The kernel killed one of its processes for want of memory. */
  readonly outOfMemory: boolean;
  /** When conmon wrote that down. Absent where it is we who have killed it. */
  readonly at?: Date;
}

/** Reads how the container ended; undefined while it has not, or when its monitor was killed and nobody knows. */
export function readExit(launch: Launch): ExitInfo | undefined {
  const exitCode = readExitStatus(exitFilePath(launch));
  const at = ignoring('ENOENT', () => statSync(exitFilePath(launch)))?.mtime;
  if (exitCode === undefined || at === undefined) return undefined;
  return { exitCode, outOfMemory: existsSync(`${launch.directory}/oom`), at };
}

/**
 * The exit status in conmon's file, 0 to 255: the command's own, or 128 and the number of the signal that ended it.
 *
 * @returns undefined while there is no file, or while it is still being written
 */
export function readExitStatus(exitFile: string): number | undefined {
  const text = ignoring('ENOENT', () => readFileSync(exitFile, 'latin1'))?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) & 0xff : undefined;
}

/** Conmon's exit file. */
export function exitFilePath(launch: Launch): string {
  return `${launch.exitDirectory}/${launch.id}`;
}
