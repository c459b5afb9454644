/** The policy of a network of which nothing was said but its bridge and its subnets. */
import type { NetworkPolicy } from '../../src/firewall/policy.ts';
import { parsePrefix } from '../../src/values/address.ts';

export function plainPolicy(bridge: string, ...subnets: readonly string[]): NetworkPolicy {
  return {
    bridge,
    subnets: subnets.map(parsePrefix),
    guarded: true,
    internal: false,
    interContainer: true,
    masquerade: true,
    gatewayModes: { 4: 'nat', 6: 'nat' },
    sourceAddresses: [],
    trustedLinks: [],
  };
}
