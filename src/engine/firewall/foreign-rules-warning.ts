/** Other firewalls of this machine that drop what ours lets pass. */
import type { Backend } from '../../firewall/backend.ts';
import {
  type ForeignFirewall,
  formatForeignDrop,
  listForeignFirewalls,
  mentionsLink,
} from '../../firewall/foreign-firewalls.ts';
import { GangwayError } from '../../values/errors.ts';
import type { Context } from '../context.ts';
import type { NetworkRecord } from '../store/record.ts';

/** Says what stands in the way of the containers of some networks, and what to do about it. */
export function warnOfObstacles(
  { host, onWarning }: Context,
  firewall: Backend,
  networks: readonly NetworkRecord[],
): void {
  const bridges = networks.flatMap(({ network }) => (network.kind === 'bridge' && !network.internal ? [network] : []));
  if (bridges.length === 0) return;
  const obstacles = listForeignFirewalls(host().netfilter).filter(
    (each) => each.drops && !firewall.precedes(each.variant),
  );
  for (const { bridge, subnets } of bridges)
    for (const each of obstacles)
      if (subnets.some(({ subnet }) => each.families.includes(subnet.address.family))) {
        const obstacle = obstacleFor(bridge, each);
        if (obstacle !== undefined) onWarning(obstacle);
      }
}

/** Rules that can't be read stop nobody: whoever reloads his firewall has no table for a moment. */
function obstacleFor(bridge: string, neighbour: ForeignFirewall): string | undefined {
  try {
    return mentionsLink(neighbour, bridge) ? undefined : formatForeignDrop(neighbour, bridge);
  } catch (error) {
    if (!(error instanceof GangwayError)) throw error;
    return `${neighbour.where} may be in the way of ${bridge}: its rules can't be read: ${error.message}`;
  }
}
