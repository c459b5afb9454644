/**
 * What is served, port by port, and what has to change for it to be what is wanted.
 *
 * A port that stays is not touched: its connections go on.
 */
import type { Relay } from '../../services/proxy/forward.ts';
import { forwardsOf } from '../../services/proxy/socket-forward.ts';
import { type ForwardSet, gather, spread } from '../../values/forward-set.ts';
import type { Forward } from '../../values/port.ts';
import { forwardsKey } from './protocol.ts';

export interface Difference {
  readonly stay: readonly Relay[];
  /** Those of which nothing is wanted any more, or not all: a socket of two families that is to serve one is another socket. */
  readonly gone: readonly Relay[];
  /** What nobody wants any more. */
  readonly left: readonly Forward[];
  readonly missing: readonly ForwardSet[];
}

export function compare(served: readonly Relay[], forwards: readonly ForwardSet[]): Difference {
  const wanted = new Map(spread(forwards).map((forward) => [keyOf(forward), forward]));
  const isWanted = (forward: Forward) => wanted.has(keyOf(forward));
  const [stay, gone]: [Relay[], Relay[]] = [[], []];
  for (const each of served) (forwardsOf(each.forward).every(isWanted) ? stay : gone).push(each);
  const left = allOf(gone).filter((forward) => !isWanted(forward));
  for (const forward of allOf(stay)) wanted.delete(keyOf(forward));
  return { stay, gone, left, missing: gather(wanted.values()) };
}

export function allOf(served: readonly Relay[]): readonly Forward[] {
  return served.flatMap(({ forward }) => forwardsOf(forward));
}

function keyOf(forward: Forward): string {
  return forwardsKey(gather([forward]));
}
