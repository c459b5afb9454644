/** Traffic counters of the firewall and of the relays in the output of `inspect` and `stats`; read only if the output shows them. */
import type { Counts, Engine, PortTraffic, RelayTraffic, Traffic } from '../engine/engine.ts';
import { countFields, dropReasons, errorKinds } from '../services/proxy/counters.ts';
import { formatAddress, formatHost } from '../values/address.ts';
import type { Counted } from '../values/counted.ts';
import { GangwayError, KernelError } from '../values/errors.ts';
import { grouped } from '../values/grouped.ts';
import { formatRange } from '../values/port-grammar.ts';
import type { Context } from './command.ts';
import { formatError } from './print-error.ts';

/** The whole object instead of a field: `{{json .}}`, `{{ . }}`, `{{index . "Traffic"}}`, `{{with $}}`. */
const wholeObject = /[\s({|][.$](?![\p{L}\p{N}_.])/u;

/** Does the output contain the field? JSON does, and a template with the field or the whole object. */
export function usesTraffic(format: string | undefined, field: RegExp): boolean {
  return format === undefined || !format.includes('{{') || field.test(format) || wholeObject.test(format);
}

/** Returns the traffic; undefined if the output does not show it, or if it cannot be read. */
export type TrafficReader = () => Promise<Traffic | undefined>;

/**
 * Returns a reader for `inspect`, which reads the counters once for all objects. If they cannot be read, a warning says so,
 * and `inspect` prints the rest.
 */
export function trafficReader(engine: Engine, format: string | undefined, { engineOptions }: Context): TrafficReader {
  const onError = (error: unknown) => {
    if (!(error instanceof GangwayError || error instanceof KernelError)) throw error;
    engineOptions.onWarning?.(`the output lacks Traffic: ${formatError(error)}`);
    return undefined;
  };
  let read: Promise<Traffic | undefined> | undefined;
  return async () => {
    if (!usesTraffic(format, /\.Traffic\b/)) return undefined;
    read ??= engine.traffic().catch(onError);
    return await read;
  };
}

/**
 * Returns `.Traffic` of a container: `{ Ports: { "80/tcp": [{ HostIp, HostPort, Connections }] }, Relayed: … }`.
 *
 * `Ports` counts connections that the firewall translates, `Relayed` those of the relays.
 */
export function containerTraffic({ ports, relays }: Traffic, id: unknown): object {
  const isOwn = ({ container }: { readonly container: string }) => container === id;
  return {
    Ports: byContainerPort(ports.filter(isOwn), bindingObject),
    Relayed: byContainerPort(relays.filter(isOwn), relayObject),
  };
}

function byContainerPort<T extends ContainerPort>(items: readonly T[], objectOf: (item: T) => object): object {
  return Object.fromEntries(
    [...grouped(items, formatContainerPort)].map(([port, group]) => [port, group.map(objectOf)]),
  );
}

function relayObject({ hostAddress, hostPort, counts, led }: RelayTraffic): object {
  const totals = countFields.filter((field) => !isOneOf(errorKinds, field) && !isOneOf(dropReasons, field));
  return {
    HostIp: formatAddress(hostAddress),
    HostPort: formatRange(hostPort),
    ...countObject(totals, counts),
    Errors: countObject(errorKinds, counts),
    Drops: countObject(dropReasons, counts),
    Led: led,
  };
}

function isOneOf(list: readonly string[], field: string): boolean {
  return list.includes(field);
}

/** `{ Refused: 1, TimedOut: 0 }` */
function countObject(fields: readonly (keyof Counts)[], counts: Counts): object {
  return Object.fromEntries(
    fields.map((field) => [field.replace(/^./, (letter) => letter.toUpperCase()), counts[field]]),
  );
}

type ContainerPort = Pick<PortTraffic, 'containerPort' | 'protocol'>;

/** `80/tcp` */
function formatContainerPort({ containerPort, protocol }: ContainerPort): string {
  return `${formatRange(containerPort)}/${protocol}`;
}

function bindingObject({ hostAddress, hostPort, connections }: PortTraffic): object {
  return {
    HostIp: formatAddress(hostAddress),
    HostPort: hostPort === undefined ? '' : formatRange(hostPort),
    Connections: Number(connections),
  };
}

/** Returns `.Traffic` of a network; zeros if its packets do not pass the firewall (macvlan, ipvlan). */
export function networkTraffic({ networks }: Traffic, id: string): object {
  const found = networks.find((network) => network.id === id);
  return { In: countedObject(found?.in), Out: countedObject(found?.out) };
}

function countedObject({ packets, bytes }: Counted = { packets: 0n, bytes: 0n }): object {
  return { Packets: Number(packets), Bytes: Number(bytes) };
}

/** Sums the connections of a container through the firewall, for `stats`. */
export function connections(traffic: Traffic | undefined, id: string): string {
  return String(portsOf(traffic, id).reduce((sum, { connections }) => sum + connections, 0n));
}

/** Formats the connections of each port of a container: `0.0.0.0:8080->80/tcp: 3`. */
export function portConnections(traffic: Traffic | undefined, id: string): string {
  return portsOf(traffic, id)
    .map((port) => `${formatBinding(port)}: ${port.connections}`)
    .join(', ');
}

function portsOf(traffic: Traffic | undefined, id: string): readonly PortTraffic[] {
  return traffic?.ports.filter(({ container }) => container === id) ?? [];
}

function formatBinding(port: PortTraffic): string {
  const { hostAddress, hostPort } = port;
  if (hostPort === undefined) return formatContainerPort(port);
  return `${formatHost(hostAddress)}:${formatRange(hostPort)}->${formatContainerPort(port)}`;
}
