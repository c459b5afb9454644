/**
 * Chapter 13: what no rule has seen.
 *
 * Rules can be taken away. `nft flush ruleset`, `iptables -F`, a firewall service that loads its own: none of them asks
 * whose the others are, and until somebody notices, a machine that forwards forwards everything. Who takes away the lock
 * should not find the door open. So the rules give what they have seen a mark, and the routing, which no flush reaches,
 * takes nothing into a container's network that has none:
 *
 *      wire ----> the rules: seen, mark set ----> routing: to 172.17.0.0/16, marked -----> the rules: forward or drop
 *      wire --------------- flushed ------------> routing: to 172.17.0.0/16, no mark ---> a black hole
 *
 *      640: to 172.17.0.0/16 iif lo lookup main proto 103       what the machine itself sends is nobody's to see
 *      641: to 172.17.0.0/16 fwmark 0/0xffffffff blackhole proto 103
 *
 * A packet's way from the world: DNAT turns its destination into 172.17.0.2, the chain `seen` marks it, the routing rules
 * have nothing against it, and `forward` takes the mark away before it decides. Without rules there is no DNAT and no
 * mark; of what was established, the next packets are lost and sent again, which TCP calls congestion.
 *
 * Out of an internal network nothing goes at all, so for that a third rule names its bridge as `iif`. Of other networks what goes
 * out in that moment does so under the container's own address, and no answer comes back. What the machine itself hears, the kernel
 * decides in the table `local`, before any rule: there the rules are missed until they are back.
 *
 * Who marks packets himself decides for himself: only what has no mark at all is marked, and stopped.
 *
 * What the kernel does by itself: with rp_filter it asks the routing where a packet's source lives, with the link by which the
 * packet will leave as `iif`, and without its mark. That question looks like a packet from there that nobody has
 * seen; `src_valid_mark` puts the mark into it.
 *
 * Where we differ from Docker: it has nothing of the kind. A flush opens its networks until it is started anew
 * (CVE-2025-54388, CVE-2025-54410).
 *
 * @see ip-rule(8), src_valid_mark in https://docs.kernel.org/networking/ip-sysctl.html
 */
import type { Step } from '../plan/step.ts';
import { network, type Prefix } from '../values/address.ts';
import type { BridgeNetwork } from './bridge.ts';

/** Before all rules of others, the kernel's table `local` alone comes first. */
const ownPriority = 640;
const unseenPriority = 641;

/** `ip rule add pref 641 to 172.17.0.0/16 fwmark 0/0xffffffff blackhole`, and what has to be let past it. */
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
      why: 'what the machine itself sends goes to its containers, whatever the rules are',
    },
    {
      kind: 'routing-rule',
      in: 'host',
      rule: { family, priority: unseenPriority, to, unmarked: true, action: 'blackhole' },
      why: 'what our rules have not seen goes to no container: where somebody has flushed them, nothing is open',
    },
  ];
}

function outOf(bridge: string, { address: { family } }: Prefix): Step {
  return {
    kind: 'routing-rule',
    in: 'host',
    rule: { family, priority: unseenPriority, inputLink: bridge, unmarked: true, action: 'blackhole' },
    why: 'and nothing gets out of an internal network',
  };
}

/** `sysctl -w net.ipv4.conf.gangway0.src_valid_mark=1`: see above. */
export function sourceValidMark({ bridge, subnets, gatewayModes }: BridgeNetwork): readonly Step[] {
  const routes = subnets.some(({ subnet }) => subnet.address.family === 4) && gatewayModes[4] !== 'isolated';
  if (!routes) return [];
  const why = 'the kernel asks where a container lives with the mark of its packet, or would find a black hole there';
  return [{ kind: 'sysctl', in: 'host', key: `net/ipv4/conf/${bridge}/src_valid_mark`, value: '1', why }];
}
