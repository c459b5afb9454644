/**
 * Which ports `gangway unpublish` takes away, and what then is left of what was asked for.
 *
 * It reads the grammar of `-p`, and what a text leaves out it does not ask for:
 *
 *     8080:80            where 8080 leads to 80/tcp, on every address
 *     127.0.0.1:8080:80  on that one alone
 *     80                 wherever 80/tcp is published
 *     8000-8010:80-90    eleven pairs
 *
 * A request may say less than what came of it: `-p 8080:80` is bound on two addresses, `-p 80` to some port. So a binding
 * is traced back to the part of the request that it comes from, and that part alone is written anew.
 */
import { type Address, sameAddress, unspecified } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import type { PortBinding, PublishedPort } from '../values/port.ts';
import { formatLeading, formatPublish, singles, size } from '../values/port-grammar.ts';

/**
 * The bindings that are meant.
 *
 * @throws GangwayError port-not-published where one of the ports that are meant has none
 */
export function selectBindings(
  name: string,
  bindings: readonly PortBinding[],
  meant: readonly PublishedPort[],
): readonly PortBinding[] {
  const chosen = meant.flatMap(singles).map((single) => {
    const found = bindings.filter((binding) => fits(single, binding));
    if (found.length === 0) throw notPublished(name, single, bindings.map(formatLeading));
    return found;
  });
  return [...new Set(chosen.flat())];
}

/** The request without what brought about the bindings that are `gone`. Parts that have nothing to do with them stay as they are. */
export function withoutBindings(
  published: readonly PublishedPort[],
  gone: readonly PortBinding[],
  left: readonly PortBinding[],
): readonly PublishedPort[] {
  return [...samePort(gone)].reduce(withoutPort(left), published);
}

/**
 * The same for a container that does not run, of which nobody knows yet where it will be bound.
 *
 * @throws GangwayError port-not-published
 */
export function withoutRequests(
  name: string,
  published: readonly PublishedPort[],
  meant: readonly PublishedPort[],
): readonly PublishedPort[] {
  return meant.flatMap(singles).reduce((rest, single) => {
    const after = rest.flatMap((request) =>
      replaceParts(request, (part) => (isMeant(single, part) ? remainder(single, part) : undefined)),
    );
    if (rest.every((request) => after.includes(request)))
      throw notPublished(name, single, published.map(formatPublish));
    return after;
  }, published);
}

/** May this binding have come of that request for one port? */
function fits({ protocol, hostAddress, hostPort, containerPort }: PublishedPort, binding: PortBinding): boolean {
  return (
    protocol === binding.protocol &&
    containerPort.first === binding.containerPort &&
    (hostPort === undefined || (hostPort.first <= binding.hostPort && binding.hostPort <= hostPort.last)) &&
    (hostAddress === undefined || sameAddress(hostAddress, binding.hostAddress))
  );
}

/** Bindings that differ in nothing but the address: one request may have made them all. */
function samePort(bindings: readonly PortBinding[]): Iterable<readonly PortBinding[]> {
  const ports = new Map<string, PortBinding[]>();
  for (const binding of bindings) {
    const key = `${binding.hostPort}:${binding.containerPort}/${binding.protocol}`;
    ports.set(key, [...(ports.get(key) ?? []), binding]);
  }
  return ports.values();
}

function withoutPort(left: readonly PortBinding[]) {
  return (published: readonly PublishedPort[], gone: readonly PortBinding[]): readonly PublishedPort[] => {
    const source = published
      .flatMap((request) => singles(request).map((part) => ({ request, part })))
      .filter(({ part }) => gone.some((binding) => fits(part, binding)))
      .toSorted((a, b) => vagueness(a.part) - vagueness(b.part))[0];
    if (source === undefined) return published;
    const { request, part } = source;
    const kept = part.hostAddress === undefined ? addressesLeft(part, published, gone, left) : [];
    const pinned = kept.map((hostAddress) => ({ ...part, hostAddress }));
    const after = published.flatMap((other) =>
      other === request ? replaceParts(other, (each) => (same(each, part) ? pinned : undefined)) : [other],
    );
    const others = gone.filter((binding) => !fits(part, binding));
    return others.length === 0 ? after : withoutPort(left)(after, others);
  };
}

/** The addresses at which a request without one is still bound by the same port, and no other request by name. */
function addressesLeft(
  part: PublishedPort,
  published: readonly PublishedPort[],
  gone: readonly PortBinding[],
  left: readonly PortBinding[],
): readonly Address[] {
  const named = published.flatMap(singles).filter(({ hostAddress }) => hostAddress !== undefined);
  return left
    .filter((binding) => fits(part, binding) && gone.some(({ hostPort }) => hostPort === binding.hostPort))
    .filter((binding) => !named.some((other) => fits(other, binding)))
    .map(({ hostAddress }) => hostAddress);
}

/** What says more is the likelier source: a host port before a choice, an address before all of them. */
function vagueness({ hostPort, hostAddress }: PublishedPort): number {
  const choice = hostPort === undefined ? 65_536 : size(hostPort);
  return 2 * choice + (hostAddress === undefined ? 1 : 0);
}

/** The request as it is where no part of it is replaced; else its parts one by one. */
function replaceParts(
  request: PublishedPort,
  replace: (part: PublishedPort) => readonly PublishedPort[] | undefined,
): readonly PublishedPort[] {
  const parts = singles(request).map((part) => ({ part, instead: replace(part) }));
  if (parts.every(({ instead }) => instead === undefined)) return [request];
  return parts.flatMap(({ part, instead }) => instead ?? [part]);
}

function isMeant(meant: PublishedPort, part: PublishedPort): boolean {
  const { protocol, hostAddress, hostPort, containerPort } = meant;
  const { hostPort: asked } = part;
  return (
    protocol === part.protocol &&
    containerPort.first === part.containerPort.first &&
    (hostPort === undefined || (asked !== undefined && hostPort.first <= asked.first && asked.last <= hostPort.last)) &&
    (hostAddress === undefined || addressesOf(part).some((address) => sameAddress(address, hostAddress)))
  );
}

/** The addresses of a part that are not meant. */
function remainder({ hostAddress }: PublishedPort, part: PublishedPort): readonly PublishedPort[] {
  if (hostAddress === undefined) return [];
  return addressesOf(part)
    .filter((address) => !sameAddress(address, hostAddress))
    .map((address) => ({ ...part, hostAddress: address }));
}

function addressesOf({ hostAddress }: PublishedPort): readonly Address[] {
  return hostAddress === undefined ? [unspecified(4), unspecified(6)] : [hostAddress];
}

function same(a: PublishedPort, b: PublishedPort): boolean {
  return formatPublish(a) === formatPublish(b);
}

function notPublished(name: string, single: PublishedPort, published: readonly string[]): GangwayError {
  const all = published.length === 0 ? 'nothing' : published.join(', ');
  return new GangwayError('port-not-published', `container ${name} does not publish ${formatPublish(single)}`, {
    hint: `it publishes ${all}`,
  });
}
