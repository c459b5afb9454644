/**
 * Waiting for a container's end.
 *
 * conmon writes the exit status into a file, once, and ends. Two things wake us: a change in the file's directory
 * (inotify), and the end of conmon itself, since somebody may have killed it, and then no file will ever come while the
 * container goes on unwatched. No polling. But conmon itself waits as long as an attached client reads nothing of what the
 * container has said: who must go on has to kill it (engine/container/stop.ts). And it waits for its exit command, which waits for an
 * attached client: so a client whose container somebody else has cleaned up must not wait for conmon.
 *
 *     inotifywait -e close_write,moved_to EXITS; cat EXITS/ID
 */
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive, type ProcessIdentity } from '../../kernel/process.ts';
import { watchProcess } from '../../sys/pidfd.ts';
import type { Launch } from '../../values/launch.ts';
import { exitFilePath, readExitStatus } from './exit-hook.ts';
import { type ContainerProcesses, readContainerProcesses } from './launch.ts';

/** The exit status; `unknown` if the monitor ended without leaving one, or somebody has taken away what it left. */
export type ExitStatus = number | 'unknown';

/** One life of a container, as far as its end can be seen. */
export interface MonitoredRun {
  /** What conmon will write, or has written: EXITS/ID */
  readonly exitFile: string;
  readonly monitor: ProcessIdentity;
  /** No more once somebody has taken it away: the exit file is removed then, and the next one is the next life's. */
  readonly isCurrent: () => boolean;
}

export function monitoredRun(launch: Launch, { monitor }: ContainerProcesses): MonitoredRun {
  const stands = () => {
    const now = readContainerProcesses(launch)?.monitor;
    return now?.pid === monitor.pid && now.startTime === monitor.startTime;
  };
  return { exitFile: exitFilePath(launch), monitor, isCurrent: stands };
}

/**
 * Waits until the life has ended, or is taken away.
 *
 * @param signal ends the waiting, with `signal.reason` as the error
 * @throws Error ENOENT if there is no such directory
 */
export async function waitForExit(
  { exitFile, monitor, isCurrent: stands }: MonitoredRun,
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
      // Before its directory the exit file of a life is never removed, and never written for the next one.
      if (!stands()) return 'unknown';
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
