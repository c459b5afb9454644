/** `gangway network prune`: what nobody uses. */
import { GangwayError } from '../../values/errors.ts';
import { predefinedNames } from '../../values/network.ts';
import type { Context } from '../context.ts';
import type { NetworkSummary, PrunedNetworks } from '../engine.ts';
import { tell } from '../events/append.ts';
import { removeNetwork } from './create.ts';
import { listNetworks } from './inspect.ts';

/**
 * Each is removed by itself: one that somebody begins to use meanwhile stays, one that somebody removes has gone, and neither is
 * a failure, as with Docker; what is one keeps none of the others.
 */
export async function pruneNetworks(
  context: Context,
  wanted: (network: NetworkSummary) => boolean,
): Promise<PrunedNetworks> {
  const unused = listNetworks(context).filter(
    (network) => network.dangling && !predefinedNames.includes(network.name) && wanted(network),
  );
  const removed: string[] = [];
  const failures: unknown[] = [];
  for (const { id } of unused) {
    try {
      removed.push(await removeNetwork(context, id));
    } catch (error) {
      if (!isNobodysFault(error)) failures.push(error);
    }
  }
  // Docker's: of no network, and of bytes, which networks have none of.
  if (!context.dryRun) tell(context, [{ type: 'network', action: 'prune', id: '', attributes: { reclaimed: '0' } }]);
  return { removed, failures };
}

function isNobodysFault(error: unknown): boolean {
  return error instanceof GangwayError && (error.code === 'network-in-use' || error.code === 'network-not-found');
}
