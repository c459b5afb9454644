/**
 * Chapter 12: fail-closed routing.
 *
 * Other programs can delete firewall rules: `nft flush ruleset`, `iptables -F`, or a firewall service that loads its
 * own. Until gangway restores them, the host would forward everything. So the rules mark the packets that they have
 * processed, and routing, which a flush does not affect, drops unmarked packets to containers:
 *
 *      link ----> rules: mark set ----> routing: to 172.17.0.0/16, marked -----> rules: accept or drop
 *      link ------- flushed ----------> routing: to 172.17.0.0/16, no mark ---> blackhole
 *
 *      640: to 172.17.0.0/16 iif lo lookup main proto 103       packets of the host itself
 *      641: to 172.17.0.0/16 fwmark 0/0xffffffff blackhole proto 103
 *
 * An external packet to a published port: DNAT sets the destination 172.17.0.2, the chain `seen` marks the packet,
 * routing accepts it, and `forward` removes the mark before its decision. Without rules there is no DNAT and no mark.
 * Established connections lose packets, and TCP retransmits them.
 *
 * An internal network must not send anything out, so a third rule names its bridge as `iif`. Packets from other
 * networks leave with the container's own address during a flush, and no reply returns. Packets to the host itself are
 * routed by the table `local` before any rule; for those, only restoring the rules helps.
 *
 * Packets that a user rule has marked are not affected: only unmarked packets get the mark, and only unmarked packets
 * are dropped.
 *
 * With rp_filter, the kernel looks up the route to a packet's source, with `iif` set to the outgoing link and without
 * the packet's mark. That lookup would hit the blackhole; `src_valid_mark` includes the mark.
 *
 * Docker has nothing like it: a flush opens its networks until it restarts (CVE-2025-54388, CVE-2025-54410).
 *
 * @see ip-rule(8), src_valid_mark in https://docs.kernel.org/networking/ip-sysctl.html
 */
import type { Step } from '../plan/step.ts';
import { network, type Prefix } from '../values/address.ts';
import type { BridgeNetwork } from './bridge.ts';

/** Before all foreign rules; only the kernel's table `local` comes first. */
const ownPriority = 640;
const unseenPriority = 641;

/**
 * The routing rules of a network: `ip rule add pref 641 to 172.17.0.0/16 fwmark 0/0xffffffff blackhole`, and an
 * exception for the host.
 */
export function failClosedRules({ bridge, subnets, gatewayModes, internal }: BridgeNetwork): readonly Step[] {
  return subnets
    .map(({ subnet }) => network(subnet))
    .flatMap((subnet) => [
      ...(gatewayModes[subnet.address.family] === 'isolated' ? [] : into(subnet)),
      ...(internal ? [outOf(bridge, subnet)] : []),
    ]);
}

function into(to: Prefix): readonly Step[] {
  const { family } = to.address;
  return [
    {
      kind: 'routing-rule',
      in: 'host',
      rule: { family, priority: ownPriority, inputLink: 'lo', to, action: 'main' },
      why: 'packets of the host itself reach its containers without a mark',
    },
    {
      kind: 'routing-rule',
      in: 'host',
      rule: { family, priority: unseenPriority, to, unmarked: true, action: 'blackhole' },
      why: 'packets without the firewall’s mark reach no container: flushed rules open nothing',
    },
  ];
}

function outOf(bridge: string, { address: { family } }: Prefix): Step {
  return {
    kind: 'routing-rule',
    in: 'host',
    rule: { family, priority: unseenPriority, inputLink: bridge, unmarked: true, action: 'blackhole' },
    why: 'and none leave an internal network',
  };
}

export function sourceValidMark({ bridge, subnets, gatewayModes }: BridgeNetwork): readonly Step[] {
  const routes = subnets.some(({ subnet }) => subnet.address.family === 4) && gatewayModes[4] !== 'isolated';
  if (!routes) return [];
  const why = 'source validation must use the packet’s mark, or it would find the blackhole route';
  return [{ kind: 'sysctl', in: 'host', key: `net/ipv4/conf/${bridge}/src_valid_mark`, value: '1', why }];
}
