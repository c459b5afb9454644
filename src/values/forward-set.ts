/**
 * Published ports that differ in nothing but their numbers, as one value.
 *
 * Who publishes ten thousand ports of one container means one thing. What is kept of them, in records, on the wire and in the
 * switchboard, is kept once, and neighbours are a pair of numbers and a count:
 *
 *     10000 leads to 172.17.0.2:10000 ┐
 *     …                               ├──  172.17.0.2: 10000 -> 10000, 10,000 of them
 *     19999 leads to 172.17.0.2:19999 ┘
 */
import { formatAddress, formatHost, formatPrefix, sameAddress } from './address.ts';
import type { Forward, PortBinding } from './port.ts';
import { formatRange } from './port-grammar.ts';
import { present } from './present.ts';

/** Ports of one address of the host, and the container's address to which all of them lead. */
export interface ForwardSet extends Omit<PortBinding, 'hostPort' | 'containerPort'>, Omit<Forward, 'binding'> {
  readonly ports: readonly PortRun[];
}

/** Ports of the host in a row, which lead to as many of the container. */
export interface PortRun {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly count: number;
}

/** In the order in which they come; those behind each other become a run. */
export function gather(forwards: Iterable<Forward>): readonly ForwardSet[] {
  const sets: { readonly like: Forward; readonly ports: Mutable<PortRun>[] }[] = [];
  for (const forward of forwards) {
    const found = sets.find(({ like }) => areAlike(like, forward));
    const { ports } = found ?? { ports: [] };
    join(ports, forward.binding);
    if (found === undefined) sets.push({ like: forward, ports });
  }
  return sets.map(({ like: { binding, ...rest }, ports }) => {
    const { hostPort: _1, containerPort: _2, ...common } = binding;
    return { ...common, ...rest, ports };
  });
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Ports in a row that lead to the same numbers: the first of them, and how many. */
export interface ForwardRun extends Forward {
  readonly count: number;
}

/** All that lead to the same numbers in runs, the others one by one. */
export function runsOf(sets: readonly ForwardSet[]): readonly ForwardRun[] {
  return sets.flatMap((set) =>
    set.ports.flatMap((run) =>
      run.hostPort === run.containerPort
        ? spread([{ ...set, ports: [{ ...run, count: 1 }] }]).map((first) => ({ ...first, count: run.count }))
        : spread([{ ...set, ports: [run] }]).map((each) => ({ ...each, count: 1 })),
    ),
  );
}

/** The first and the last port of neighbouring runs, which may be the same. */
export function endsOf(runs: readonly ForwardRun[]): readonly Forward[] {
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) return [];
  return first === last && last.count === 1 ? [first] : [first, lastOf(last)];
}

function lastOf({ binding, count, ...forward }: ForwardRun): Forward {
  const [hostPort, containerPort] = [binding.hostPort + count - 1, binding.containerPort + count - 1];
  return { ...forward, binding: { ...binding, hostPort, containerPort } };
}

/** One by one again. */
export function spread(sets: readonly ForwardSet[]): readonly Forward[] {
  return sets.flatMap(({ protocol, hostAddress, clientAddress, target, routed, near, ports }) => {
    const [how, what] = [present({ clientAddress }), present({ routed, near })];
    return pairs(ports).map(({ hostPort, containerPort }) => ({
      binding: { protocol, hostAddress, hostPort, containerPort, ...how },
      target,
      ...what,
    }));
  });
}

export type PortPair = Pick<PortBinding, 'hostPort' | 'containerPort'>;

export function pairs(runs: readonly PortRun[]): readonly PortPair[] {
  return runs.flatMap(({ hostPort, containerPort, count }) =>
    Array.from({ length: count }, (_, place) => ({ hostPort: hostPort + place, containerPort: containerPort + place })),
  );
}

/** The same the other way: those behind each other become a run. */
export function runs(ports: Iterable<PortPair>): readonly PortRun[] {
  const found: Mutable<PortRun>[] = [];
  for (const pair of ports) join(found, pair);
  return found;
}

function join(found: Mutable<PortRun>[], { hostPort, containerPort }: PortPair): void {
  const last = found.at(-1);
  if (last !== undefined && continues(last, hostPort, containerPort)) last.count++;
  else found.push({ hostPort, containerPort, count: 1 });
}

function continues(run: PortRun, hostPort: number, containerPort: number): boolean {
  return hostPort === run.hostPort + run.count && containerPort === run.containerPort + run.count;
}

function areAlike(a: Forward, b: Forward): boolean {
  return (
    a.binding.protocol === b.binding.protocol &&
    a.binding.clientAddress === b.binding.clientAddress &&
    a.routed === b.routed &&
    sameAddress(a.binding.hostAddress, b.binding.hostAddress) &&
    sameAddress(a.target, b.target) &&
    (a.near === b.near || String(a.near?.map(formatPrefix)) === String(b.near?.map(formatPrefix)))
  );
}

/** The host's side: `0.0.0.0:8080/tcp`, `[::]:10000-19999/tcp`. */
export function formatHostPorts({ protocol, hostAddress }: PortSide, { hostPort, count }: HostPorts): string {
  const last = hostPort + count - 1;
  return `${formatHost(hostAddress)}:${formatRange({ first: hostPort, last })}/${protocol}`;
}

type PortSide = Pick<PortBinding, 'protocol' | 'hostAddress'>;
type HostPorts = Pick<PortRun, 'hostPort' | 'count'>;

/** A `ForwardSet` with its addresses as text, for JSON. */
export interface WireForwards extends Pick<ForwardSet, 'protocol' | 'clientAddress' | 'ports'> {
  readonly hostAddress: string;
  readonly target: string;
  readonly near?: readonly string[];
}

export function encodeForwards({
  protocol,
  hostAddress,
  clientAddress,
  target,
  near,
  ports,
}: ForwardSet): WireForwards {
  return {
    protocol,
    hostAddress: formatAddress(hostAddress),
    ...present({ clientAddress }),
    target: formatAddress(target),
    ...present({ near: near?.map(formatPrefix) }),
    ports,
  };
}

/** Returns the same text for equal lists of forwards. */
export function forwardsKey(forwards: readonly ForwardSet[]): string {
  return JSON.stringify(forwards.map(encodeForwards));
}
