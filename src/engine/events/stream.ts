/** `gangway events`: what gangway has done, and what it does, as its commands have written it down. */
import { followEvents } from '../../services/events/follow.ts';
import { endOf } from '../../services/events/reader.ts';
import { GangwayError } from '../../values/errors.ts';
import type { EngineEvent } from '../../values/event.ts';
import type { EventFilters, EventOptions } from '../engine.ts';
import { diskError } from '../store/directories.ts';
import type { Records } from '../store/record-store.ts';
import { eventsPath } from './append.ts';

/** @throws GangwayError invalid-option for a time that is none, or directories that can't be used */
export function events({ records }: { readonly records: Records }, options: EventOptions): AsyncIterable<EngineEvent> {
  const { since, until, filters = {}, signal } = options;
  for (const [name, time] of Object.entries({ since, until })) {
    if (time !== undefined && Number.isNaN(time.getTime()))
      throw new GangwayError('invalid-option', `${name} is no time`);
  }
  try {
    records.prepare();
  } catch (error) {
    throw diskError(error, records.directories);
  }
  const path = eventsPath(records);
  // Decided now: what the caller does next is among the events, whenever it begins to read.
  const start = since === undefined && until === undefined ? endOf(path) : undefined;
  return selected(followEvents(path, { start, until, signal }), ({ time, ...occurrence }) => {
    const early = since !== undefined && time < since;
    const late = until !== undefined && time > until;
    return !early && !late && passes(occurrence, filters);
  });
}

async function* selected<T>(items: AsyncIterable<T>, wanted: (item: T) => boolean): AsyncGenerator<T> {
  for await (const item of items) if (wanted(item)) yield item;
}

/** Values of one key are alternatives, keys must all hold. As with Docker, the beginning of a name or an id will do. */
function passes({ type, action, id, attributes }: Omit<EngineEvent, 'time'>, filters: EventFilters): boolean {
  const { types, actions, containers, networks } = filters;
  const called = (names: readonly string[]) =>
    names.some((name) => id.startsWith(name) || attributes.name?.startsWith(name) === true);
  return (
    (types?.includes(type) ?? true) &&
    (actions?.includes(action) ?? true) &&
    (containers === undefined || (type === 'container' && called(containers))) &&
    (networks === undefined || (type === 'network' && called(networks)))
  );
}
