/**
 * Which ports of the host a container gets, from what `-p`, `-P` and `--expose` say.
 *
 *     -p 8080:80              8080 on 0.0.0.0 and ::
 *     -p 127.0.0.1::80        the next free ephemeral port on 127.0.0.1
 *     -p 8000-8010:80         the first free one of eleven
 *     -p 8000-8002:80-82      three pairs
 *
 * Pure: who asks says what is taken. A port is free for an address when no binding has it on that address or, since
 * 0.0.0.0 means all of them, on the unspecified address of its family, and the other way round. One published port has
 * the same number on all its addresses.
 *
 * @see net.ipv4.ip_local_port_range and ip_local_reserved_ports in ip-sysctl
 */
import { type Address, type Family, isUnspecified, sameAddress, unspecified } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import type { Port, PortBinding, PortRange, PublishedPort } from '../values/port.ts';
import { claimsEveryPort, formatBinding, size } from '../values/port-grammar.ts';

/** What the host offers. */
export interface HostPorts {
  /** Families in which a published port without an address is bound. */
  readonly families: readonly Family[];
  readonly ephemeral: PortRange;
  readonly reserved: readonly PortRange[];
  /** Where to begin in the ephemeral range: behind the port that was given out last. */
  readonly cursor: number;
  /** Who has this port on this address; undefined for nobody. */
  readonly holder: (binding: PortBinding) => string | undefined;
}

/**
 * Chooses the host's ports.
 *
 * @throws GangwayError port-in-use with who has it, or `all ports are allocated`
 */
export function allocatePorts(published: readonly PublishedPort[], host: HostPorts): readonly PortBinding[] {
  const chosen: PortBinding[] = [];
  const byPort = new Map<string, PortBinding[]>();
  // Exact ports first: an ephemeral one must not take what a later -p names.
  const sorted = published.toSorted((a, b) => freedom(a) - freedom(b));
  const anyPort = sorted.some(({ hostPort }) => hostPort === undefined) ? ephemeralPorts(host) : [];
  // Thousands may be wanted: each is looked for behind the one before.
  const start = { tcp: 0, udp: 0, sctp: 0 };
  for (const item of sorted) {
    for (const wish of wishes(item, host, anyPort)) {
      const isAny = wish.candidates === anyPort;
      const { bindings, index } = allocateOne(wish, isAny ? start[wish.protocol] : 0, byPort, host);
      if (isAny) start[wish.protocol] = index + 1;
      for (const binding of bindings) {
        chosen.push(binding);
        byPort.set(portKey(binding), [...(byPort.get(portKey(binding)) ?? []), binding]);
      }
    }
  }
  return chosen;
}

/** `-P`: at an ephemeral one each exposed port that `-p` has not published by itself. */
export function publishAll(
  exposed: readonly Port[],
  published: readonly Pick<PublishedPort, 'protocol' | 'containerPort'>[],
): readonly PublishedPort[] {
  const done = { tcp: new Set<number>(), udp: new Set<number>(), sctp: new Set<number>() };
  for (const { protocol, containerPort } of published)
    for (let port = containerPort.first; port <= containerPort.last; port++) done[protocol].add(port);
  return exposed.flatMap(({ port, protocol }) => {
    if (done[protocol].has(port)) return [];
    done[protocol].add(port);
    return [{ protocol, containerPort: { first: port, last: port } }];
  });
}

/** By port, since a range may have thousands. */
type Chosen = ReadonlyMap<string, readonly PortBinding[]>;

interface Wish {
  readonly addresses: readonly Address[];
  readonly protocol: PublishedPort['protocol'];
  readonly containerPort: number;
  readonly candidates: readonly number[];
}

/** 0 for exact ports, 1 for a choice from a range, 2 for any. */
function freedom(published: PublishedPort): number {
  if (published.hostPort === undefined) return 2;
  return claimsEveryPort(published) ? 0 : 1;
}

function wishes(
  { hostAddress, hostPort, containerPort, protocol }: PublishedPort,
  host: HostPorts,
  anyPort: readonly number[],
): readonly Wish[] {
  const addresses = hostAddress === undefined ? host.families.map(unspecified) : [hostAddress];
  return numbers(containerPort).map((port, index) => ({
    addresses,
    protocol,
    containerPort: port,
    candidates: hostPort === undefined ? anyPort : candidates(index, hostPort, containerPort),
  }));
}

function candidates(index: number, hostPort: PortRange, containerPort: PortRange): readonly number[] {
  return size(hostPort) === size(containerPort) ? [hostPort.first + index] : numbers(hostPort);
}

function ephemeralPorts({ ephemeral, reserved, cursor }: HostPorts): readonly number[] {
  const all = numbers(ephemeral).filter((port) => !reserved.some(({ first, last }) => port >= first && port <= last));
  const start = all.findIndex((port) => port > cursor);
  return start === -1 ? all : [...all.slice(start), ...all.slice(0, start)];
}

interface Allocated {
  readonly bindings: readonly PortBinding[];
  /** Of the port among the candidates. */
  readonly index: number;
}

/** The first candidate that is free, from the one at `start` on and round. */
function allocateOne({ candidates, ...wish }: Wish, start: number, chosen: Chosen, host: HostPorts): Allocated {
  let refusal: string | undefined;
  for (let step = 0; step < candidates.length; step++) {
    const index = (start + step) % candidates.length;
    const bindings = wish.addresses.map((hostAddress) => ({
      protocol: wish.protocol,
      hostAddress,
      hostPort: candidates[index] ?? 0,
      containerPort: wish.containerPort,
    }));
    const conflict = bindings
      .map((binding) => conflictOf(binding, chosen, host))
      .find((sentence) => sentence !== undefined);
    if (conflict === undefined) return { bindings, index };
    refusal = conflict;
  }
  if (candidates.length === 1 && refusal !== undefined) throw portInUse(refusal);
  throw new GangwayError(
    'port-in-use',
    `all ports are allocated: none of ${candidates.length} is free for container port ${wish.containerPort}/${wish.protocol}`,
    {
      hint: '`gangway ps` shows who publishes what',
    },
  );
}

function conflictOf(binding: PortBinding, chosen: Chosen, host: HostPorts): string | undefined {
  if (chosen.get(portKey(binding))?.some((other) => collide(binding, other)))
    return `port ${formatBinding(binding)} is published twice by this command`;
  const holder = host.holder(binding);
  return holder === undefined ? undefined : `port ${formatBinding(binding)} is in use by ${holder}`;
}

function portInUse(message: string): GangwayError {
  return new GangwayError('port-in-use', message, {
    hint: 'publish another port of the host, or any free one: `-p 80`',
  });
}

/** Only bindings with the same key can collide. */
export function portKey({ hostPort, protocol }: PortBinding): string {
  return `${hostPort}/${protocol}`;
}

/** Could these two not be bound at the same time? */
export function collide(a: PortBinding, b: PortBinding): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort || a.hostAddress.family !== b.hostAddress.family)
    return false;
  return isUnspecified(a.hostAddress) || isUnspecified(b.hostAddress) || sameAddress(a.hostAddress, b.hostAddress);
}

function numbers({ first, last }: PortRange): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
