/**
 * Chapter 8: the parent.
 *
 * The networks of the next two chapters have no bridge. They grow on a link of the machine, and that link decides where
 * their containers stand:
 *
 *      eth0        a link that is there: it is used as it is, up or down, and nothing about it is changed
 *      eth0.10     VLAN 10 of eth0: made for the network where it is not there yet, and taken away with it
 *      none        a dummy, which leads nowhere: the containers have each other, and nobody else
 *
 * A VLAN is an Ethernet of its own on a shared cable: each frame carries a number from 1 to 4094, and `eth0.10` is that
 * part of eth0's traffic that carries 10. The switch at the other end has to know of it.
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
 * Which link that will be.
 *
 * @param wanted `-o parent=…`
 * @param dummy the name of the one that leads nowhere
 * @param exists has the machine a link of this name?
 * @throws GangwayError invalid-network where there is no such link, and none can be made
 */
export function chooseParent(wanted: string | undefined, dummy: string, exists: (link: string) => boolean): Parent {
  if (wanted === undefined) return { kind: 'dummy', link: dummy };
  if (wanted === 'lo') {
    throw new GangwayError('invalid-network', 'the loopback can’t be the parent of a network', {
      hint: 'name the link that leads to the wire: -o parent=eth0',
    });
  }
  if (exists(wanted)) return { kind: 'found', link: wanted };
  const [, trunk = '', number = ''] = /^(.+)\.([1-9]\d{0,3})$/.exec(wanted) ?? [];
  const id = Number(number);
  if (exists(trunk) && id >= 1 && id <= 4094) return { kind: 'vlan', link: wanted, trunk, id };
  throw new GangwayError('invalid-network', `link "${wanted}" not found: it can’t be the parent of a network`, {
    hint: '`ip link` lists what there is; of a link that exists, a VLAN can be made: -o parent=eth0.10',
  });
}

/** Nothing for a link that is there; else it is made, and up. */
export function createParent(parent: Parent, subnets: readonly Subnet[], families: readonly Family[]): readonly Step[] {
  if (parent.kind === 'found') return [];
  const { link } = parent;
  return [
    parent.kind === 'vlan'
      ? { kind: 'vlan', in: 'host', name: link, parent: parent.trunk, id: parent.id, why: vlanReason(parent.id) }
      : { kind: 'dummy', in: 'host', name: link, why: 'a parent that leads nowhere: whatever leaves by it is gone' },
    ...disableIpv6('host', link, subnets, families),
    { kind: 'up', in: 'host', link, why: 'the parent is on' },
  ];
}

function vlanReason(id: number): string {
  return `what carries the number ${id} on the wire is an Ethernet of its own`;
}
