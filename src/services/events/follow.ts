/** Events as they come: a change of the log wakes us (inotify), and nothing is asked twice. */
import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { EngineEvent, LogPosition } from '../../values/event.ts';
import { longestTimeoutMilliseconds } from '../../values/timer.ts';
import { eventReader } from './reader.ts';

export interface FollowOptions {
  /** Absent: with the oldest event. */
  readonly start?: LogPosition | undefined;
  /** When to end; a time in the past reads what there is. Absent: never. */
  readonly until?: Date | undefined;
  /** Ends it as well. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The events of a log, up to a moment.
 *
 * @throws Error ENOENT if its directory does not exist
 */
export async function* followEvents(
  path: string,
  { start, until, signal }: FollowOptions,
): AsyncGenerator<EngineEvent> {
  const read = eventReader(path, start);
  let wake = () => {};
  const watcher = watch(dirname(path), (_, name) => {
    if (name === basename(path)) wake();
  });
  const onAbort = () => wake();
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      // Asked before reading: what is written until then is read.
      const left = until === undefined ? Number.POSITIVE_INFINITY : until.getTime() - Date.now();
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      yield* read();
      if (signal?.aborted === true || left < 0) return;
      const timer = until && setTimeout(wake, Math.min(left + 1, longestTimeoutMilliseconds));
      await woken;
      clearTimeout(timer);
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    watcher.close();
  }
}
