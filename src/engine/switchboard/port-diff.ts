/**
 * What is served, port by port, and what has to change for it to be what is wanted.
 *
 * A port that stays is not touched: its connections go on.
 */
import type { Relay } from '../../services/proxy/relay.ts';
import { type ForwardGroup, setsOf } from '../../services/proxy/socket-forward.ts';
import { type ForwardSet, pairs, runs } from '../../values/forward-set.ts';
import { forwardsKey } from './protocol.ts';

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
