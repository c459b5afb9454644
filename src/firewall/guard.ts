/**
 * What the port guard has to know of a container's plug: what may stand as the sender in a frame that comes out of it.
 *
 * The rules themselves stand in nftables/guard.nft and never change. The elements come before the cable, and go after it:
 * a plug that the rules don't know is somebody else's, and says what it likes.
 */
import type { KeyPart } from '../kernel/set-key.ts';
import type { Address, Family } from '../values/address.ts';
import { linkLocalOf, type Mac } from '../values/mac.ts';
import type { Datum, SetElement } from '../values/set-element.ts';

/** A container as the bridge sees it. */
export interface Sender {
  /** The host's end of the cable. */
  readonly plug: string;
  readonly mac: Mac;
  /**
   * All that it may use on this wire, its addresses in other networks included. With one of IPv6 it has also the
   * link-local address that the kernel makes of its MAC.
   */
  readonly addresses: readonly Address[];
}

/** `nft add element bridge gangway plugs { "veth3f2a9c4" }` and so on. */
export function guardElements({ plug, mac, addresses }: Sender): readonly SetElement[] {
  const port: Datum = { type: 'ifname', name: plug };
  const sender: readonly Datum[] = [port, { type: 'ether_addr', mac }];
  const own = addresses.some(({ family }) => family === 6) ? [linkLocalOf(mac)] : [];
  return [
    { set: 'plugs', key: [port] },
    { set: 'macs', key: sender },
    ...[...addresses, ...own].map((address) => ({
      set: `addresses${address.family}`,
      key: [...sender, { type: 'address', address } as const],
    })),
  ];
}

const sender = [{ type: 'ifname' }, { type: 'ether_addr' }] as const;

const addressed = (family: Family): readonly KeyPart[] => [...sender, { type: 'address', family }];

/** The sets of the table, and what their keys are made of. */
export const guardSets: Readonly<Record<string, readonly KeyPart[]>> = {
  plugs: [{ type: 'ifname' }],
  macs: sender,
  addresses4: addressed(4),
  addresses6: addressed(6),
};
