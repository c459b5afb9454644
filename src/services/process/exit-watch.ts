/**
 * Waiting for a container's end.
 *
 * conmon writes the exit status into a file, once, and ends. Two things wake us: a change in the file's directory
 * (inotify), and the end of conmon itself, since somebody may have killed it, and then no file will ever come while the
 * container goes on unwatched. No polling. But conmon itself waits as long as an attached client reads nothing of what the
 * container has said: who must go on has to kill it (engine/stop.ts).
 *
 *     inotifywait -e close_write,moved_to EXITS; cat EXITS/ID
 */
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive, type ProcessIdentity } from '../../kernel/process.ts';
import { watchProcess } from '../../sys/pidfd.ts';
import { readExitStatus } from './exit.ts';

/** The exit status; `unknown` if the monitor ended without leaving one. */
export type ExitStatus = number | 'unknown';

/**
 * Waits until the container has ended.
 *
 * @param exitFile what conmon will write, or has written: EXITS/ID
 * @param monitor the container's conmon
 * @param signal ends the waiting, with `signal.reason` as the error
 * @throws Error ENOENT if there is no such directory
 */
export async function waitForExit(
  exitFile: string,
  monitor: ProcessIdentity,
  signal?: AbortSignal,
): Promise<ExitStatus> {
  let wake = () => {};
  const directory = watch(dirname(exitFile), () => wake());
  const process = watchProcess(monitor.pid);
  let monitorEnded = !isAlive(monitor);
  void process.ended.then(() => {
    monitorEnded = true;
    wake();
  });
  const onAbort = () => wake();
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const last = monitorEnded;
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const status = readExitStatus(exitFile);
      if (status !== undefined) return status;
      if (last) return 'unknown';
      await woken;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    directory.close();
    process.close();
  }
}
