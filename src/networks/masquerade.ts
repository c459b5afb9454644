/**
 * Chapter 3: masquerade.
 *
 * To reach the external network, a container's packets pass through the host. The host must forward them, and replace
 * their source address with its own, because external hosts have no route back to 172.17.0.2. By default it does
 * neither.
 *
 *      container                the host                                   external network
 *      172.17.0.2 --gangway0--> forward? ip_forward=1 --> masquerade --up0--> sees 203.0.113.1
 *      172.17.0.2 <------------ connection tracking translates the reply <-- to 203.0.113.1
 *
 * Masquerading needs one element, which names the bridge in a constant rule (chapter 2). Forwarding needs `ip_forward`,
 * which turns the host into a router for every client that can reach it. Docker therefore sets the FORWARD policy to
 * DROP, and breaks other programs' networks. gangway adds the element `closed_transit`, which drops packets that
 * neither come from nor go to a gangway bridge; and only if gangway itself enabled forwarding.
 *
 * In IPv6, `net.ipv6.conf.all.forwarding` has a second meaning: a router ignores the advertisements of other routers,
 * and loses a default route learned from them. So links with accept_ra=1 are set to `accept_ra=2` first, and reset
 * after forwarding is disabled.
 *
 * Some links may forward by themselves: `net.ipv4.conf.eth0.forwarding=1` (`IPv4Forwarding=` of systemd-networkd).
 * Disabling ip_forward later would reset them, so undo enables them again. On such hosts `closed_transit` is not added,
 * because it would block their traffic.
 *
 * All of it is undone when the last container that needs it exits. If forwarding was enabled before, it stays, and no
 * other packets are dropped.
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

/**
 * Enables forwarding, with transit closed first: `sysctl -w net.ipv4.ip_forward=1`. No steps where the host forwards
 * already.
 */
export function enableForwarding({ ipv4, ipv6 }: ForwardingState, firewall: Backend): readonly Step[] {
  return [
    ...(ipv4?.forwarding === '0' ? [...keepTransit(4, ipv4, firewall), enable(switches[4])] : []),
    ...(ipv6?.forwarding === '0'
      ? [
          ...keepTransit(6, ipv6, firewall),
          ...ipv6.routerAdvertisementLinks.map(keepAdvertisements),
          enable(switches[6]),
        ]
      : []),
  ];
}

/** Keeps other traffic as it was: closed, or still forwarded by the links that forward by themselves. */
function keepTransit(family: Family, { forwardingLinks: routing }: Forwarding, firewall: Backend): readonly Step[] {
  return routing.length === 0 ? closeTransit(family, firewall) : routing.map((link) => keepForwarding(family, link));
}

/** `nft add element inet gangway closed_transit { ipv4 }`. */
export function closeTransit(family: Family, firewall: Backend): readonly FirewallStep[] {
  const why = 'the host will forward packets, but only for containers';
  return firewall.stepsFor(closedTransitElements(family), why);
}

const switches = { 4: 'net/ipv4/ip_forward', 6: 'net/ipv6/conf/all/forwarding' } as const;

/** Is it the step that enables forwarding in this family? */
export function enablesForwarding(step: Step, family: Family): boolean {
  return step.kind === 'sysctl' && step.key === switches[family];
}

function enable(key: string): SysctlStep {
  return change(key, '0', '1', 'the host forwards packets');
}

const linkSwitch = /^net\/ipv([46])\/conf\/.*\/forwarding$/;

/** Has no effect when applied; undo restores the setting after forwarding is disabled. */
function keepForwarding(family: Family, link: string): SysctlStep {
  const why = `${link} forwards by itself, and must still do so when forwarding is disabled`;
  return change(`net/ipv${family}/conf/${link}/forwarding`, '1', '1', why);
}

/** Did a link forward by itself before, in this family? */
function keepsForwarding(step: Step, family: Family): boolean {
  if (step.kind !== 'sysctl' || step.key === switches[family]) return false;
  return linkSwitch.exec(step.key)?.[1] === String(family);
}

/** Do these steps enable forwarding for containers only, in this family? */
export function closesTransit(steps: readonly Step[], family: Family): boolean {
  return steps.some((step) => enablesForwarding(step, family)) && !steps.some((step) => keepsForwarding(step, family));
}

function keepAdvertisements(link: string): SysctlStep {
  const why = 'a host that forwards ignores router advertisements, but this link may have its default route from one';
  return change(`net/ipv6/conf/${link}/accept_ra`, '1', '2', why);
}

function change(key: string, was: string, value: string, why: string): SysctlStep {
  return { kind: 'sysctl', in: 'host', key, value, was, why };
}
