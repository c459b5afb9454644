/** What the firewall and the relays have counted, as inspect and stats show it: read only where somebody wants to see it. */
import type { Counts, Engine, EngineOptions, PortTraffic, RelayTraffic, Traffic } from '../engine/engine.ts';
import { countFields, dropReasons, errorKinds } from '../services/proxy/counters.ts';
import { formatAddress, formatHost } from '../values/address.ts';
import type { Counted } from '../values/counted.ts';
import { GangwayError, KernelError } from '../values/errors.ts';
import { grouped } from '../values/grouped.ts';
import { formatRange } from '../values/port-grammar.ts';
import type { Context } from './command.ts';
import { sentence } from './format-error.ts';

/** Everything, and not a field of it: `{{json .}}`, `{{ . }}`, `{{index . "Traffic"}}`, `{{with $}}`. */
const everything = /[\s({|][.$](?![\p{L}\p{N}_.])/u;

/** Does `--format` show it? What is printed whole does, and a template that names it, or everything. */
export function showsTraffic(format: string | undefined, field: RegExp): boolean {
  return format === undefined || !format.includes('{{') || field.test(format) || everything.test(format);
}

/** @returns undefined where nobody wants to see it, or nobody can */
export type TrafficReader = () => Promise<Traffic | undefined>;

/** Of an object that inspect prints; read once for all of them. */
export function trafficReader(engine: Engine, format: string | undefined, { engineOptions }: Context): TrafficReader {
  let read: Promise<Traffic | undefined> | undefined;
  return async () => {
    if (!showsTraffic(format, /\.Traffic\b/)) return undefined;
    read ??= readTraffic(engine, engineOptions);
    return await read;
  };
}

/** Counters that can't be read keep nothing else from being told. */
async function readTraffic(engine: Engine, { onWarning }: EngineOptions): Promise<Traffic | undefined> {
  try {
    return await engine.traffic();
  } catch (error) {
    if (!(error instanceof GangwayError || error instanceof KernelError)) throw error;
    onWarning?.(`Traffic is left out: ${sentence(error)}`);
    return undefined;
  }
}

/**
 * `.Traffic` of a container: `{ Ports: { "80/tcp": [{ HostIp, HostPort, Connections }] }, Relayed: … }`, what the firewall has
 * translated and what a process has carried.
 */
export function containerTraffic({ ports, relays }: Traffic, id: unknown): object {
  const isOwn = ({ container }: { readonly container: string }) => container === id;
  return {
    Ports: byInside(ports.filter(isOwn), bindingObject),
    Relayed: byInside(relays.filter(isOwn), relayObject),
  };
}

function byInside<T extends Inside>(all: readonly T[], objectOf: (one: T) => object): object {
  return Object.fromEntries([...grouped(all, inside)].map(([port, some]) => [port, some.map(objectOf)]));
}

function relayObject({ hostAddress, hostPort, counts, led }: RelayTraffic): object {
  const carried = countFields.filter((field) => !isOneOf(errorKinds, field) && !isOneOf(dropReasons, field));
  return {
    HostIp: formatAddress(hostAddress),
    HostPort: formatRange(hostPort),
    ...countObject(carried, counts),
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

type Inside = Pick<PortTraffic, 'containerPort' | 'protocol'>;

/** `80/tcp` */
function inside({ containerPort, protocol }: Inside): string {
  return `${formatRange(containerPort)}/${protocol}`;
}

function bindingObject({ hostAddress, hostPort, connections }: PortTraffic): object {
  return {
    HostIp: formatAddress(hostAddress),
    HostPort: hostPort === undefined ? '' : formatRange(hostPort),
    Connections: Number(connections),
  };
}

/** `.Traffic` of a network; of one whose packets don't pass the firewall, zeros. */
export function networkTraffic({ networks }: Traffic, id: string): object {
  const found = networks.find((network) => network.id === id);
  return { In: countedObject(found?.in), Out: countedObject(found?.out) };
}

function countedObject({ packets, bytes }: Counted = { packets: 0n, bytes: 0n }): object {
  return { Packets: Number(packets), Bytes: Number(bytes) };
}

/** Of stats: all connections of a container, and those of each port: `0.0.0.0:8080->80/tcp: 3`. */
export function connectionFields(traffic: Traffic | undefined, id: string) {
  const own = traffic?.ports.filter(({ container }) => container === id) ?? [];
  return {
    Connections: String(own.reduce((sum, { connections }) => sum + connections, 0n)),
    PortConnections: own.map((port) => `${place(port)}: ${port.connections}`).join(', '),
  };
}

function place(port: PortTraffic): string {
  const { hostAddress, hostPort } = port;
  if (hostPort === undefined) return inside(port);
  return `${formatHost(hostAddress)}:${formatRange(hostPort)}->${inside(port)}`;
}
