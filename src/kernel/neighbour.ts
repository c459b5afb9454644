/**
 * Neighbours: who is reached on a link by which MAC, and what waits until that is known.
 *
 * @see struct ndmsg and NDA_* in linux/neighbour.h, rtnetlink(7), ip-neighbour(8)
 */
import { attributes, struct } from '../netlink/attributes.ts';
import { address as addressCodec, u8, u16, u32 } from '../netlink/codec.ts';
import { type Request, request } from '../netlink/message.ts';
import { type Address, formatAddress } from '../values/address.ts';
import { addressFamily } from './family.ts';

const ndmsg = struct({
  family: [1, u8],
  padding1: [1, u8],
  padding2: [2, u16],
  index: [4, u32],
  state: [2, u16],
  flags: [1, u8],
  type: [1, u8],
});
const RTM_DELNEIGH = {
  name: 'RTM_DELNEIGH',
  type: 29,
  header: ndmsg,
  attributes: attributes({ destination: [1, addressCodec] }),
};

/**
 * `ip neighbour delete 172.17.0.2 dev gangway0`. Packets that wait for an answer of ARP, 101 of them for three seconds at
 * most, are dropped with it: they would go to whoever answers first.
 */
export function deleteNeighbour(address: Address, linkIndex: number): Request {
  return request(
    `delete neighbour ${formatAddress(address)} on link ${linkIndex}`,
    RTM_DELNEIGH,
    0,
    { family: addressFamily(address.family), index: linkIndex },
    { destination: address },
  );
}
