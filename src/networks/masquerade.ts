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
 * not for the containers alone. Docker, where it turned the switch, sets the policy of the whole FORWARD chain to DROP,
 * and so breaks other programs' networks. gangway adds one element instead, `closed_transit`, which drops what neither comes from nor goes
 * to a bridge of ours; and only if gangway itself turned the switch.
 *
 * In IPv6 the switch is a trap. `net.ipv6.conf.all.forwarding` says two things at once: pass packets
 * on, and be a router, which learns nothing from other routers. A machine that got its own default route from a router's
 * advertisement would forget it in that very moment. So the links that listen are first told to go on listening,
 * `accept_ra=2`, and forwarding comes after that; on the way back the other way round.
 *
 * A machine may be a router by some of its links alone, `net.ipv4.conf.eth0.forwarding=1` (`IPv4Forwarding=` of systemd-networkd). The
 * switch of the machine, turned on and off again, turns all of them off: so each is turned on anew behind that. Nor can
 * `closed_transit` stand there, which would cut what they pass on.
 *
 * All of it is taken back when the last container that needs it has gone. A switch that was on before stays on, and
 * nobody's packets are dropped.
 *
 * @see inet_forward_change in net/ipv4/devinet.c; accept_ra and forwarding in https://docs.kernel.org/networking/ip-sysctl.html
 */
import type { Backend } from '../firewall/backend.ts';
import { closedTransitElements } from '../firewall/policy.ts';
import type { Forwarding, Ipv6Forwarding } from '../kernel/forwarding.ts';
import type { FirewallStep, Step, SysctlStep } from '../plan/step.ts';
import type { Family } from '../values/address.ts';

/** The host's forwarding settings, for the families that a network needs. */
export interface ForwardingState {
  readonly ipv4?: Forwarding;
  readonly ipv6?: Ipv6Forwarding;
}

/** `sysctl -w net.ipv4.ip_forward=1`, with the guard before it; nothing where the machine forwards already. */
export function enableForwarding({ ipv4, ipv6 }: ForwardingState, firewall: Backend): readonly Step[] {
  return [
    ...(ipv4?.forwarding === '0' ? [...others(4, ipv4, firewall), router(switches[4])] : []),
    ...(ipv6?.forwarding === '0'
      ? [...others(6, ipv6, firewall), ...ipv6.routerAdvertisementLinks.map(goOnListening), router(switches[6])]
      : []),
  ];
}

/** What becomes of other people's packets. */
function others(family: Family, { forwardingLinks: routing }: Forwarding, firewall: Backend): readonly Step[] {
  return routing.length === 0 ? closeTransit(family, firewall) : routing.map((link) => goOnRouting(family, link));
}

/** `nft add element inet gangway closed_transit { ipv4 }`. */
export function closeTransit(family: Family, firewall: Backend): readonly FirewallStep[] {
  const why = 'the machine is about to forward packets: for our containers, and for nobody else';
  return firewall.stepsFor(closedTransitElements(family), why);
}

const switches = { 4: 'net/ipv4/ip_forward', 6: 'net/ipv6/conf/all/forwarding' } as const;

/** Is this the step that makes the machine a router, in this family? */
export function enablesForwarding(step: Step, family: Family): boolean {
  return step.kind === 'sysctl' && step.key === switches[family];
}

function router(key: string): SysctlStep {
  return change(key, '0', '1', 'the machine passes on packets that are not its own');
}

const linkSwitch = /^net\/ipv([46])\/conf\/.*\/forwarding$/;

/** `sysctl -w net.ipv4.conf.eth0.forwarding=1`, which it is: what counts is that it will be again. */
function goOnRouting(family: Family, link: string): SysctlStep {
  const why = `${link} is a router’s link by itself, and is one again when the machine as a whole is none any more`;
  return change(`net/ipv${family}/conf/${link}/forwarding`, '1', '1', why);
}

/** Was the machine a router by some of its links before, in this family? */
function goesOnRouting(step: Step, family: Family): boolean {
  if (step.kind !== 'sysctl' || step.key === switches[family]) return false;
  return linkSwitch.exec(step.key)?.[1] === String(family);
}

/** Of the steps that made the machine a router: is it one for nobody but our containers, in this family? */
export function closesTransit(steps: readonly Step[], family: Family): boolean {
  return steps.some((step) => enablesForwarding(step, family)) && !steps.some((step) => goesOnRouting(step, family));
}

function goOnListening(link: string): SysctlStep {
  const why =
    'a machine that forwards no longer listens to routers; this link’s own way out may be one that it heard of';
  return change(`net/ipv6/conf/${link}/accept_ra`, '1', '2', why);
}

function change(key: string, was: string, value: string, why: string): SysctlStep {
  return { kind: 'sysctl', in: 'host', key, value, was, why };
}
