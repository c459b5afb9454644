/**
 * What is served, port by port, and what has to change for it to be what is wanted.
 *
 * A port that stays is not touched: its connections go on.
 */
import type { Relay } from '../../services/proxy/forward.ts';
import { forwardsOf, setsOf } from '../../services/proxy/socket-forward.ts';
import { type ForwardSet, gather, spread } from '../../values/forward-set.ts';
import type { Forward } from '../../values/port.ts';
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
  const wanted = new Map(spread(forwards).map((forward) => [keyOf(forward), forward]));
  const isWanted = (forward: Forward) => wanted.has(keyOf(forward));
  const [stay, gone]: [Relay[], Relay[]] = [[], []];
  for (const each of served) (forwardsOf(each.forward).every(isWanted) ? stay : gone).push(each);
  const left = gone.flatMap(({ forward }) => forwardsOf(forward)).filter((forward) => !isWanted(forward));
  for (const forward of stay.flatMap((each) => forwardsOf(each.forward))) wanted.delete(keyOf(forward));
  return { stay, gone, left: gather(left), missing: gather(wanted.values()) };
}

export function allOf(served: readonly Relay[]): readonly ForwardSet[] {
  return setsOf(served.map(({ forward }) => forward));
}

function keyOf(forward: Forward): string {
  return forwardsKey(gather([forward]));
}
