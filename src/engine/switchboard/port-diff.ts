/**
 * What is served, port by port, and what has to change for it to be what is wanted.
 *
 * A port that stays is not touched: its connections go on.
 */

import { bootId } from '../../kernel/boot.ts';
import { withHostPort } from '../../networks/port-mapping.ts';
import { collide, portKey } from '../../services/port-allocation.ts';
import type { Relay } from '../../services/proxy/relay.ts';
import { type ForwardGroup, setsOf } from '../../services/proxy/socket-forward.ts';
import { GangwayError } from '../../values/errors.ts';
import { type ForwardSet, forwardsKey, pairs, runs, spread } from '../../values/forward-set.ts';
import { grouped } from '../../values/grouped.ts';
import type { PortBinding } from '../../values/port.ts';
import { formatBinding } from '../../values/port-grammar.ts';
import { containersWithRun } from '../store/record.ts';
import type { Records } from '../store/record-store.ts';
import type { Publication } from './protocol.ts';

export interface Difference {
  readonly stay: readonly Relay[];
  /** Those of which nothing is wanted any more, or not all: a socket of two families that is to serve one is another socket. */
  readonly gone: readonly Relay[];
  /** What nobody wants any more. */
  readonly left: readonly ForwardSet[];
  readonly missing: readonly ForwardSet[];
}

export function compare(served: readonly Relay[], forwards: readonly ForwardSet[]): Difference {
  if (served.length === 0) return { stay: [], gone: [], left: [], missing: forwards };
  const [wanted, left] = [new PortTable(), new PortTable()];
  for (const set of forwards) {
    const ports = wanted.of(set);
    for (const { hostPort, containerPort } of pairs(set.ports)) ports.set(hostPort, containerPort);
  }
  const groups = new Map<ForwardGroup, readonly Side[]>();
  const sidesOf = (group: ForwardGroup) => {
    const sides = groups.get(group) ?? sets(group).map((set) => ({ wanted: wanted.of(set), left: left.of(set) }));
    groups.set(group, sides);
    return sides;
  };
  const [stay, gone]: [Relay[], Relay[]] = [[], []];
  for (const relay of served) {
    const { group, hostPort, containerPort } = relay.forward;
    const unwanted = sidesOf(group).filter((side) => side.wanted.get(hostPort) !== containerPort);
    (unwanted.length === 0 ? stay : gone).push(relay);
    for (const side of unwanted) side.left.set(hostPort, containerPort);
  }
  for (const { forward } of stay) for (const side of sidesOf(forward.group)) side.wanted.delete(forward.hostPort);
  return { stay, gone, left: left.sets(), missing: wanted.sets() };
}

export function allOf(served: readonly Relay[]): readonly ForwardSet[] {
  return setsOf(served.map(({ forward }) => forward));
}

/** The container's port by the host's. */
type Ports = Map<number, number>;

/** What becomes of the ports of one family of a socket. */
interface Side {
  readonly wanted: Ports;
  readonly left: Ports;
}

/** One for each family that such a socket speaks, without its port. */
function sets(group: ForwardGroup): readonly ForwardSet[] {
  return setsOf([{ group, hostPort: 0, containerPort: 0 }]);
}

/** Ports by all that sets can differ in, so that ten thousand are compared by their numbers. */
class PortTable {
  readonly #rows = new Map<string, { readonly set: ForwardSet; readonly ports: Ports }>();

  /** Those that differ from the set's in nothing but their numbers, to be changed. */
  of(set: ForwardSet): Ports {
    const key = forwardsKey([{ ...set, ports: [] }]);
    const row = this.#rows.get(key) ?? { set, ports: new Map() };
    this.#rows.set(key, row);
    return row.ports;
  }

  sets(): readonly ForwardSet[] {
    const rows = [...this.#rows.values()].filter(({ ports }) => ports.size > 0);
    return rows.map(({ set, ports }) => ({
      ...set,
      ports: runs(Array.from(ports, ([hostPort, containerPort]) => ({ hostPort, containerPort }))),
    }));
  }
}

export function* publications(records: Records): Generator<Publication> {
  for (const { id, name, life } of containersWithRun(records.containers(), bootId())) {
    yield { owner: id, name, forwards: withHostPort(life.forwards) };
  }
}

/** A port that a container has, and the container's name. */
export interface Held {
  readonly name: string;
  readonly binding: PortBinding;
}

/** @returns the error that says which container is in the way, undefined if none is */
export function conflict({ forwards }: Publication, held: Iterable<Held>): GangwayError | undefined {
  const bindings = spread(forwards).map(({ binding }) => binding);
  const wanted = grouped(bindings, portKey);
  for (const { name, binding } of held) {
    const refused = wanted.get(portKey(binding))?.find((one) => collide(one, binding));
    if (refused === undefined) continue;
    const subject = formatBinding(refused);
    const message = `port ${subject} is in use by container ${name}`;
    return new GangwayError('port-in-use', message, { subject, hint: 'stop it, or publish another host port' });
  }
  return undefined;
}
