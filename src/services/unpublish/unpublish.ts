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
import { type Address, sameAddress, unspecified } from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import { grouped } from '../../values/grouped.ts';
import type { PortBinding, PublishedPort } from '../../values/port.ts';
import { formatLeading, formatPublish, singles, size } from '../../values/port-grammar.ts';
import {
  containerPortKey,
  containerPortOf,
  exactKey,
  matchesBinding,
  PortIndex,
  PublishedParts,
  requestKey,
} from './published-parts.ts';

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
  const published = new PortIndex<PortBinding>();
  for (const binding of bindings)
    for (const label of [exactKey(binding), containerPortKey(binding)]) published.put(label, binding);
  const chosen = meant.flatMap(singles).map((single) => {
    const found = published
      .at(requestKey(single) ?? containerPortKey(containerPortOf(single)))
      .filter((binding) => matchesBinding(single, binding));
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
  const parts = new PublishedParts(published);
  const remaining = grouped(left, exactKey);
  for (const [label, samePort] of grouped(gone, exactKey)) takePort(parts, samePort, remaining.get(label) ?? []);
  return parts.requests();
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
  const parts = new PublishedParts(published);
  for (const single of meant.flatMap(singles)) {
    const found = parts.matching(single).filter((part) => matchesRequest(single, part));
    if (found.length === 0) throw notPublished(name, single, published.map(formatPublish));
    for (const part of found) parts.replace(part, remainder(single, part));
  }
  return parts.requests();
}

/** @param gone bindings that differ in nothing but the address: one request may have made them all. @param left those that stay */
function takePort(parts: PublishedParts, gone: readonly PortBinding[], left: readonly PortBinding[]): void {
  const sources = gone.flatMap((binding) => parts.sourcesOf(binding));
  const part = sources.toSorted((a, b) => vagueness(a) - vagueness(b))[0];
  if (part === undefined) return;
  const kept = part.hostAddress === undefined ? addressesLeft(parts, part, left) : [];
  parts.replace(
    part,
    kept.map((hostAddress) => ({ ...part, hostAddress })),
  );
  const others = gone.filter((binding) => !matchesBinding(part, binding));
  if (others.length > 0) takePort(parts, others, left);
}

/** The addresses at which a request without one is still bound by the same port, and no other request by name. */
function addressesLeft(parts: PublishedParts, part: PublishedPort, left: readonly PortBinding[]): readonly Address[] {
  const isNamed = (binding: PortBinding) =>
    parts.sourcesOf(binding).some(({ hostAddress }) => hostAddress !== undefined);
  return left
    .filter((binding) => matchesBinding(part, binding) && !isNamed(binding))
    .map(({ hostAddress }) => hostAddress);
}

/** What says more is the likelier source: a host port before a choice, an address before all of them. */
function vagueness({ hostPort, hostAddress }: PublishedPort): number {
  const choice = hostPort === undefined ? 65_536 : size(hostPort);
  return 2 * choice + (hostAddress === undefined ? 1 : 0);
}

function matchesRequest(meant: PublishedPort, part: PublishedPort): boolean {
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

function notPublished(name: string, single: PublishedPort, published: readonly string[]): GangwayError {
  const all = published.length === 0 ? 'nothing' : published.join(', ');
  return new GangwayError('port-not-published', `container ${name} does not publish ${formatPublish(single)}`, {
    hint: `it publishes ${all}`,
  });
}
