/**
 * Chapter 4: outbound.
 *
 * How does a container reach the world? Its packets climb out of the bridge into the machine, which must do two things
 * that it does not do by default: pass on packets that are not its own, and lend them its address, since nobody out
 * there knows a way back to 172.17.0.2.
 *
 *      container                the machine                                the world
 *      172.17.0.2 --gangway0--> forward? ip_forward=1 --> masquerade --up0--> sees 203.0.113.1
 *      172.17.0.2 <------------ connection tracking translates the answer <-- to 203.0.113.1
 *
 * Masquerading is a rule of the constant ruleset and an element that names the bridge (chapter 3). What is left is the
 * switch `ip_forward`, and that one is dangerous: it turns the machine into a router for everybody who can reach it,
 * not for the containers alone. Docker sets the policy of the whole FORWARD chain to DROP, and so breaks other
 * programs' networks. gangway adds one element instead, `closed_transit`, which drops what neither comes from nor goes
 * to a bridge of ours; and only if gangway itself turned the switch.
 *
 * Both are taken back when the last container that needs them has gone. A switch that was on before stays on, and
 * nobody's packets are dropped.
 */
import { elementSteps } from '../firewall/nftables.ts';
import { closedTransitElements } from '../firewall/policy.ts';
import type { Step } from '../plan/step.ts';

/** `sysctl -w net.ipv4.ip_forward=1`, with the guard before it; nothing where the machine forwards already. */
export function forwarding(observed: { readonly ipForward: string }): readonly Step[] {
  if (observed.ipForward !== '0') return [];
  return [
    ...elementSteps(
      closedTransitElements(4),
      'the machine is about to forward packets: for our containers, and for nobody else',
    ),
    {
      kind: 'sysctl',
      in: 'host',
      key: 'net/ipv4/ip_forward',
      value: '1',
      was: '0',
      why: 'the machine passes on packets that are not its own',
    },
  ];
}
