/**
 * Chapter 7: parent interface.
 *
 * Macvlan and ipvlan networks (chapters 8 and 9) have no bridge, but a parent link of the host, which connects the
 * containers:
 *
 *      eth0        an existing link: used as it is, up or down, and not changed
 *      eth0.10     VLAN 10 of eth0: created for the network if missing, and removed with it
 *      none        a dummy link without connection: the containers reach only each other
 *
 * A VLAN is a separate Ethernet on a shared cable: each frame carries a number from 1 to 4094, and `eth0.10` is eth0's
 * traffic with number 10. The switch at the other end must be configured for it.
 *
 * @see IEEE 802.1Q
 */
import type { Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import { GangwayError } from '../values/errors.ts';
import type { Subnet } from '../values/network.ts';
import { disableIpv6 } from './sandbox.ts';

export type Parent =
  | { readonly kind: 'found'; readonly link: string }
  | { readonly kind: 'vlan'; readonly link: string; readonly trunk: string; readonly id: number }
  | { readonly kind: 'dummy'; readonly link: string };

/**
 * Chooses the parent of a network.
 *
 * @param wanted `-o parent=…`
 * @param dummy the name of the link without connection
 * @param exists does the host have a link of this name?
 * @throws GangwayError invalid-network if the link does not exist and can't be created
 */
export function chooseParent(wanted: string | undefined, dummy: string, exists: (link: string) => boolean): Parent {
  if (wanted === undefined) return { kind: 'dummy', link: dummy };
  if (wanted === 'lo') {
    throw new GangwayError('invalid-network', 'the loopback can’t be the parent of a network (-o parent=lo)', {
      hint: 'name the link of the external network: -o parent=eth0',
    });
  }
  if (exists(wanted)) return { kind: 'found', link: wanted };
  const [, trunk = '', number = ''] = /^(.+)\.([1-9]\d{0,3})$/.exec(wanted) ?? [];
  const id = Number(number);
  if (exists(trunk) && id >= 1 && id <= 4094) return { kind: 'vlan', link: wanted, trunk, id };
  throw new GangwayError('invalid-network', `link "${wanted}" not found (-o parent=${wanted})`, {
    hint: 'see `ip link`; a VLAN of an existing link is created: -o parent=eth0.10',
  });
}

/** No steps for an existing link; otherwise creates and enables it. */
export function createParent(parent: Parent, subnets: readonly Subnet[], families: readonly Family[]): readonly Step[] {
  if (parent.kind === 'found') return [];
  const { link } = parent;
  return [
    parent.kind === 'vlan'
      ? { kind: 'vlan', in: 'host', name: link, parent: parent.trunk, id: parent.id, why: vlanReason(parent.id) }
      : { kind: 'dummy', in: 'host', name: link, why: 'a parent without connection: it drops all packets' },
    ...disableIpv6('host', link, subnets, families),
    { kind: 'up', in: 'host', link, why: 'enable the parent' },
  ];
}

function vlanReason(id: number): string {
  return `frames with VLAN number ${id} are an Ethernet of their own`;
}
