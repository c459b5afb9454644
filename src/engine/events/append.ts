/**
 * Writing down what has happened, for `gangway events`.
 *
 * It is done after the fact, and can't undo it: where the log can't be written, that is told, and the container is none
 * the worse.
 */
import { appendEvents, tellsOf } from '../../services/events/log.ts';
import { KernelError } from '../../values/errors.ts';
import type { LogPosition, Occurrence } from '../../values/event.ts';
import type { Records } from '../store/record-store.ts';

/** As much of a context as it takes. */
interface EventWriter {
  readonly records: Records;
  readonly dryRun: boolean;
  readonly onWarning: (sentence: string) => void;
}

export function eventsPath({ directories }: Records): string {
  return `${directories.runtime}/events`;
}

export function logEvents(context: EventWriter, occurrences: readonly Occurrence[]): void {
  writeEvents(context, occurrences, (path) => appendEvents(path, occurrences));
}

/**
 * For a change that somebody else began: the last thing that he did may have been to tell it.
 *
 * @param since where the log ended when he began
 */
export function logMissingEvents(
  context: EventWriter,
  occurrences: readonly Occurrence[],
  since: LogPosition | undefined,
): void {
  writeEvents(context, occurrences, (path) => {
    if (!tellsOf(path, occurrences, since)) appendEvents(path, occurrences);
  });
}

function writeEvents(context: EventWriter, occurrences: readonly Occurrence[], work: (path: string) => void): void {
  if (context.dryRun || occurrences.length === 0) return;
  try {
    work(eventsPath(context.records));
  } catch (error) {
    if (!(error instanceof KernelError || (error instanceof Error && 'syscall' in error))) throw error;
    const lost = occurrences.map(({ type, action, attributes: { name } }) => `${type} ${action} ${name}`).join(', ');
    context.onWarning(`missing from the events: ${lost}: ${error.message}`);
  }
}
