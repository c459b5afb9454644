/**
 * What was asked for with `-p`, a port each, and how one finds there what a bound port came of.
 *
 * Thousands of ports may be taken away of thousands, so each is looked for among those that its numbers are of:
 *
 *     8080:80/tcp   what leads from 8080 to 80/tcp
 *     *:80/tcp      whatever leads to 80/tcp
 *     ?*:80/tcp     what was asked to lead to 80/tcp, from a port that somebody else chose
 */
import { sameAddress } from '../../values/address.ts';
import type { PortBinding, Protocol, PublishedPort } from '../../values/port.ts';
import { singles, size } from '../../values/port-grammar.ts';

interface Leading {
  readonly containerPort: number;
  readonly protocol: Protocol;
}

/** `8080:80/tcp` */
export function exactKey({ hostPort, ...leading }: Leading & { readonly hostPort: number }): string {
  return `${hostPort}:${leading.containerPort}/${leading.protocol}`;
}

/** `*:80/tcp` */
export function containerPortKey({ containerPort, protocol }: Leading): string {
  return `*:${containerPort}/${protocol}`;
}

/** Absent where the host port is anybody's choice. */
export function requestKey(single: PublishedPort): string | undefined {
  const { hostPort } = single;
  if (hostPort === undefined || size(hostPort) > 1) return undefined;
  return exactKey({ ...containerPortOf(single), hostPort: hostPort.first });
}

export function containerPortOf({ containerPort, protocol }: PublishedPort): Leading {
  return { containerPort: containerPort.first, protocol };
}

export class PortIndex<Item> {
  readonly #shelves = new Map<string, Item[]>();

  put(label: string, item: Item): void {
    const shelf = this.#shelves.get(label);
    if (shelf === undefined) this.#shelves.set(label, [item]);
    else shelf.push(item);
  }

  at(label: string): readonly Item[] {
    return this.#shelves.get(label) ?? [];
  }
}

/** What was asked for, a port each, while some of it is written anew. */
export class PublishedParts {
  readonly #requests: readonly { readonly request: PublishedPort; readonly parts: readonly PublishedPort[] }[];
  readonly #shelves = new PortIndex<PublishedPort>();
  readonly #instead = new Map<PublishedPort, readonly PublishedPort[]>();

  constructor(published: readonly PublishedPort[]) {
    this.#requests = published.map((request) => ({ request, parts: singles(request) }));
    for (const { parts } of this.#requests) this.#put(parts);
  }

  /** Those with this host port, or with any where none is named. */
  matching(single: PublishedPort): readonly PublishedPort[] {
    return this.#at(requestKey(single) ?? containerPortKey(containerPortOf(single)));
  }

  /** Those that this binding may have come of. */
  sourcesOf(binding: PortBinding): readonly PublishedPort[] {
    return [...this.#at(exactKey(binding)), ...this.#at(`?${containerPortKey(binding)}`)].filter((part) =>
      matchesBinding(part, binding),
    );
  }

  replace(part: PublishedPort, instead: readonly PublishedPort[]): void {
    this.#instead.set(part, instead);
    this.#put(instead);
  }

  /** A request of which no part was replaced is as it was; of another one the parts are left. */
  requests(): readonly PublishedPort[] {
    return this.#requests.flatMap(({ request, parts }) =>
      parts.some((part) => this.#instead.has(part)) ? parts.flatMap((part) => this.#now(part)) : [request],
    );
  }

  #now(part: PublishedPort): readonly PublishedPort[] {
    return this.#instead.get(part)?.flatMap((each) => this.#now(each)) ?? [part];
  }

  #put(parts: readonly PublishedPort[]): void {
    for (const part of parts) {
      const any = containerPortKey(containerPortOf(part));
      this.#shelves.put(any, part);
      this.#shelves.put(requestKey(part) ?? `?${any}`, part);
    }
  }

  #at(label: string): readonly PublishedPort[] {
    return this.#shelves.at(label).filter((part) => !this.#instead.has(part));
  }
}

/** May this binding have come of that request for one port? */
export function matchesBinding(
  { protocol, hostAddress, hostPort, containerPort }: PublishedPort,
  binding: PortBinding,
): boolean {
  return (
    protocol === binding.protocol &&
    containerPort.first === binding.containerPort &&
    (hostPort === undefined || (hostPort.first <= binding.hostPort && binding.hostPort <= hostPort.last)) &&
    (hostAddress === undefined || sameAddress(hostAddress, binding.hostAddress))
  );
}
