/** `gangway events`: one line an event, until somebody ends it or `--until` has come. */
import type { EventFilters } from '../../engine/engine.ts';
import { eventObject } from '../../services/events/line.ts';
import type { EngineEvent } from '../../values/event.ts';
import { present } from '../../values/present.ts';
import type { Execute } from '../command.ts';
import { parseFilters } from '../filter.ts';
import { type Format, jsonLines, parseFormat } from '../format.ts';
import { UsageError } from '../grammar.ts';
import type { eventsOptions } from '../options.ts';
import { write } from '../output.ts';
import { parseMoment } from '../parse-time.ts';
import type { Value } from '../template/value.ts';

export const execute: Execute<typeof eventsOptions> = async ({ options }, context) => {
  const format = await parseFormat(options.format);
  const [since, until] = [parseMoment(options.since, '--since'), parseMoment(options.until, '--until')];
  if (since !== undefined && until !== undefined && since > until) {
    throw new UsageError(`--since ${options.since} is after --until ${options.until}`, 1);
  }
  const filters = parseEventFilters(options.filter);
  // A field that no event has is told now, and not with the first event.
  formatEvent(sample, format);
  const engine = await context.engine();
  for await (const event of engine.events({ ...present({ since, until }), filters })) {
    await write(context.stdout, formatEvent(event, format));
  }
  return 0;
};

const dockerTypes = 'builder config container daemon image network node plugin secret service volume'.split(' ');
const any = { test: () => true };

/** Docker's keys. Of its types there are two here. @throws UsageError */
function parseEventFilters(texts: readonly string[]): EventFilters {
  const keys = { container: any, event: any, network: any, type: { ...any, values: dockerTypes } };
  const given = parseFilters(texts, keys);
  return present({
    containers: given.get('container')?.wanted,
    actions: given.get('event')?.wanted,
    networks: given.get('network')?.wanted,
    types: given.get('type')?.wanted as EventFilters['types'],
  });
}

const zeros = '0'.repeat(64);
/** With all that an event can have. */
const sample: EngineEvent = {
  type: 'network',
  action: 'connect',
  id: zeros,
  attributes: { container: zeros, execDuration: '0', exitCode: '0', name: 'web', signal: '9', type: 'bridge' },
  time: new Date(0),
};

function formatEvent(event: EngineEvent, format: Format): string {
  if (format.kind === 'plain') return plainLine(event);
  const object = eventObject(event);
  return format.kind === 'json' ? jsonLines([object]) : `${format.template.execute(fields(object))}\n`;
}

/** `2026-01-02T13:23:37.123000000Z container start ID (name=web)`. */
function plainLine({ type, action, id, attributes, time }: EngineEvent): string {
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
  return `${localTime(time)} ${type} ${action} ${id} (${pairs.join(', ')})\n`;
}

/** In the zone of who reads, and in nanoseconds, as docker writes it, though we know milliseconds. */
function localTime(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const two = (part: number) => String(part).padStart(2, '0');
  return `${local}000000${offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`}`;
}

/** For a template. Docker's JSON has other names for the last three fields than docker's templates. */
function fields(object: ReturnType<typeof eventObject>): Value {
  const { Type, Action, Actor, scope: Scope, time: Time, timeNano: TimeNano } = object;
  const Attributes = new Map(Object.entries(Actor.Attributes));
  return { Type, Action, Actor: { ...Actor, Attributes }, Scope, Time, TimeNano, toJSON: () => object };
}
