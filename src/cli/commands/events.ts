/** `gangway events`: events of the engine in Docker's format. `gangway watch`: events of the kernel's network. */
import type { EventFilters } from '../../engine/engine.ts';
import { formatFlow } from '../../kernel/conntrack.ts';
import type { NetworkEvent } from '../../kernel/netlink-monitor.ts';
import type { Route } from '../../kernel/route.ts';
import { eventObject } from '../../services/events/line.ts';
import { formatAddress, formatPrefix } from '../../values/address.ts';
import type { EngineEvent } from '../../values/event.ts';
import { present } from '../../values/present.ts';
import type { Execute } from '../command.ts';
import { parseFilters } from '../filter.ts';
import { type Format, parseFormat } from '../format.ts';
import { UsageError } from '../grammar.ts';
import type { eventsOptions, watchOptions } from '../options.ts';
import { parseTime } from '../parse-time.ts';
import { jsonLines, printable, printableTexts } from '../printable.ts';
import { writeAndDrain } from '../stdio.ts';
import type { Value } from '../template/value.ts';

/** Prints one line an event, until `--until` or a signal. */
export const events: Execute<typeof eventsOptions> = async ({ options }, context) => {
  const format = await parseFormat(options.format);
  const [since, until] = [parseTime(options.since, '--since'), parseTime(options.until, '--until')];
  if (since !== undefined && until !== undefined && since > until) {
    throw new UsageError(`--since ${options.since} is after --until ${options.until}`, 1);
  }
  const filters = parseEventFilters(options.filter);
  // An unknown field of the template fails here, not at the first event.
  formatEvent(sample, format);
  const engine = await context.engine();
  for await (const event of engine.events({ ...present({ since, until }), filters })) {
    await writeAndDrain(context.stdout, formatEvent(event, format));
  }
  return 0;
};

/** Docker's types; gangway has events of type container and network. */
const dockerTypes = 'builder config container daemon image network node plugin secret service volume'.split(' ');

/** @throws UsageError */
function parseEventFilters(texts: readonly string[]): EventFilters {
  // The engine applies the filters.
  const any = { matches: () => true };
  const keys = { container: any, event: any, network: any, type: { ...any, values: dockerTypes } };
  const filters = parseFilters(texts, keys);
  return present({
    containers: filters.get('container')?.given,
    actions: filters.get('event')?.given,
    networks: filters.get('network')?.given,
    types: filters.get('type')?.given as EventFilters['types'],
  });
}

const zeros = '0'.repeat(64);
/** An event with all attributes that an event can have. */
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
  return format.kind === 'json' ? jsonLines([object]) : `${format.template.execute(templateFields(object))}\n`;
}

/** `2026-01-02T13:23:37.123000000Z container start ID (name=web)`. */
function plainLine({ type, action, id, attributes, time }: EngineEvent): string {
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
  return `${localTime(time)} ${type} ${action} ${id} (${pairs.join(', ')})\n`;
}

/** Formats a local time in nanoseconds, as Docker does, though events have milliseconds. */
function localTime(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const two = (part: number) => String(part).padStart(2, '0');
  return `${local}000000${offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`}`;
}

/** Renames fields for a template: in Docker's JSON, the last three have other names than in Docker's templates. */
function templateFields(object: ReturnType<typeof eventObject>): Value {
  const { Type, Action, Actor, scope: Scope, time: Time, timeNano: TimeNano } = object;
  const Attributes = new Map(Object.entries(Actor.Attributes));
  return { Type, Action, Actor: { ...Actor, Attributes }, Scope, Time, TimeNano, toJSON: () => object };
}

/** Prints one line an event, until ^C or the end of the container. */
export const watch: Execute<typeof watchOptions> = async ({ options, args: [name] }, context) => {
  const format = await parseFormat(options.format);
  const engine = await context.engine();
  const stream = await engine.watch(name);
  let interrupted = false;
  const end = () => {
    interrupted = true;
    stream.close();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  let last = '';
  for await (const event of stream) {
    // The kernel reports changes of attributes that the line does not show.
    const description = describeKernelEvent(event);
    if (description !== last) await writeAndDrain(context.stdout, formatKernelEvent(event, format));
    last = description;
  }
  if (!interrupted) context.stderr.write(`container ${name} has exited\n`);
  return 0;
};

function formatKernelEvent(event: NetworkEvent, format: Format): string {
  const time = new Date().toISOString();
  if (format.kind === 'plain') return `${time.slice(11, 23)}  ${printable(describeKernelEvent(event))}\n`;
  const object = { Time: time, ...kernelEventFields(event) };
  if (format.kind === 'json') return jsonLines([object]);
  // A map, because the template is for events of all kinds: a missing field is not an error.
  return `${format.template.execute(new Map(Object.entries(printableTexts(object))))}\n`;
}

const signs = { new: '+', set: '+', update: '~', gone: '-', end: '-' } as const;

/** `+ link 7: veth3f2a9c4, up, a port of gangway0`. */
function describeKernelEvent(event: NetworkEvent): string {
  return `${signs[event.change]} ${event.kind} ${describeSubject(event)}`;
}

function describeSubject(event: NetworkEvent): string {
  switch (event.kind) {
    case 'link': {
      const { name, index, up, master } = event.link;
      const port = master === undefined ? '' : `, a port of ${event.masterName ?? `link ${master}`}`;
      return `${index}: ${name}, ${up ? 'up' : 'down'}${port}`;
    }
    case 'address':
      return `${formatPrefix(event.address.prefix)} on ${event.linkName ?? `link ${event.address.linkIndex}`}`;
    case 'route':
      return describeRoute(event.route, event.linkName);
    case 'flow':
      return formatFlow(event);
  }
}

/** Formats a route as `ip route` does. */
function describeRoute({ destination, gateway, linkIndex }: Route, linkName: string | undefined): string {
  const to = destination.length === 0 ? 'default' : formatPrefix(destination);
  const via = gateway === undefined ? '' : ` via ${formatAddress(gateway)}`;
  return `${to}${via}${linkIndex === undefined ? '' : ` on ${linkName ?? `link ${linkIndex}`}`}`;
}

/** Fields of a kernel event for `--format`. */
function kernelEventFields(event: NetworkEvent): Readonly<Record<string, string | number | boolean | undefined>> {
  const common = { Kind: event.kind, Change: event.change };
  switch (event.kind) {
    case 'link': {
      const { name: Name, index: Index, up: Up, master: MasterIndex } = event.link;
      return { ...common, Name, Index, Up, Master: event.masterName, MasterIndex };
    }
    case 'address': {
      const { prefix, linkIndex: LinkIndex } = event.address;
      return { ...common, Address: formatPrefix(prefix), Link: event.linkName, LinkIndex };
    }
    case 'route': {
      const { destination, gateway, linkIndex: LinkIndex } = event.route;
      return {
        ...common,
        Destination: formatPrefix(destination),
        Gateway: gateway && formatAddress(gateway),
        Link: event.linkName,
        LinkIndex,
      };
    }
    case 'flow':
      return { ...common, Flow: formatFlow(event) };
  }
}
