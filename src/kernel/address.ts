/**
 * Addresses of links.
 *
 * @see struct ifaddrmsg and IFA_* in linux/if_addr.h, rtnetlink(7), ip-address(8)
 */
import { attributes, struct } from '../netlink/attributes.ts';
import { address, u8, u32 } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import {
  flags,
  type MessageKind,
  type RawMessage,
  type Reply,
  type Request,
  readBody,
  request,
} from '../netlink/message.ts';
import { formatPrefix, lastAddress, type Prefix } from '../values/address.ts';
import { addressFamily } from './family.ts';

/** IFA_F_NODAD: usable at once, since gangway hands out every address on this link and knows that it is unique. */
const IFA_F_NODAD = 0x02;

const ifaddrmsg = struct({ family: [1, u8], length: [1, u8], flags: [1, u8], scope: [1, u8], index: [4, u32] });
const addressAttributes = attributes({
  address: [1, address],
  local: [2, address],
  broadcast: [4, address],
  flags: [8, u32],
});

const RTM_NEWADDR = { name: 'RTM_NEWADDR', type: 20, header: ifaddrmsg, attributes: addressAttributes };
const RTM_DELADDR = { name: 'RTM_DELADDR', type: 21, header: ifaddrmsg, attributes: addressAttributes };
const RTM_GETADDR = { name: 'RTM_GETADDR', type: 22, header: ifaddrmsg, attributes: addressAttributes };

/** An address on a link. */
export interface LinkAddress {
  readonly linkIndex: number;
  readonly prefix: Prefix;
}

/** `ip address add 172.17.0.2/16 brd + dev eth0`; IPv6 with `nodad`. The link by its index. */
export function addAddress(prefix: Prefix, linkIndex: number): Request {
  return request(
    `add address ${formatPrefix(prefix)} to link ${linkIndex}`,
    RTM_NEWADDR,
    flags.create | flags.exclusive,
    header(prefix, linkIndex),
    {
      local: prefix.address,
      address: prefix.address,
      ...(hasBroadcast(prefix) ? { broadcast: lastAddress(prefix) } : {}),
      ...(prefix.address.family === 6 ? { flags: IFA_F_NODAD } : {}),
    },
  );
}

/** `ip address delete 172.17.0.2/16 dev eth0`: the host stops answering for it at once. */
export function deleteAddress(prefix: Prefix, linkIndex: number): Request {
  return request(
    `delete address ${formatPrefix(prefix)} of link ${linkIndex}`,
    RTM_DELADDR,
    0,
    header(prefix, linkIndex),
    { local: prefix.address },
  );
}

/** `ip address show`. */
export function listAddresses(connection: Connection): readonly LinkAddress[] {
  const replies = connection.dump(request('list addresses', RTM_GETADDR, 0, {}, {}), RTM_NEWADDR);
  return replies.flatMap(linkAddress);
}

/** An address that was given to a link, or taken from it. */
export interface AddressEvent {
  readonly kind: 'address';
  readonly change: 'set' | 'gone';
  readonly address: LinkAddress;
}

/** @returns undefined for messages about other things */
export function readAddressEvent(message: RawMessage): AddressEvent | undefined {
  if (message.type !== RTM_NEWADDR.type && message.type !== RTM_DELADDR.type) return undefined;
  const [found] = linkAddress(readBody(RTM_NEWADDR, message.payload));
  if (found === undefined) return undefined;
  return { kind: 'address', change: message.type === RTM_DELADDR.type ? 'gone' : 'set', address: found };
}

type AddressReply = typeof RTM_NEWADDR extends MessageKind<infer H, infer A> ? Reply<H, A> : never;

function linkAddress({ header: found, attributes: { local, address: remote } }: AddressReply): readonly LinkAddress[] {
  const own = local ?? remote;
  return own === undefined
    ? []
    : [{ linkIndex: found.index ?? 0, prefix: { address: own, length: found.length ?? 0 } }];
}

function header(prefix: Prefix, linkIndex: number) {
  return { family: addressFamily(prefix.address.family), length: prefix.length, index: linkIndex };
}

/** IPv4 subnets with room for one: not /31 (RFC 3021) and not /32. */
export function hasBroadcast(prefix: Prefix): boolean {
  return prefix.address.family === 4 && prefix.length < 31;
}
