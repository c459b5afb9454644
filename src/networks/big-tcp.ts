/**
 * Chapter 15: large packets.
 *
 * How large may a packet be that never leaves the machine?
 *
 * TCP does not cut its stream into packets of the wire's size: it hands the link up to 64 KiB at once, and the network card cuts.
 * Between containers there is no card and nothing cuts at all; what is handed over is what arrives. Then the 64 KiB, which are
 * the 16 bits of an IP packet's length, are the only reason to walk through bridge and firewall so often. Since Linux 6.3
 * (IPv6: 5.19) a link may say that it takes more ("BIG TCP"), and a packet's length is then told beside the packet.
 *
 *      container a                                          container b
 *     +-----------+         +----------------+             +-----------+
 *     | eth0   (2)|=========|(1) bridge   (1)|=============|(2)        |
 *     +-----------+         |(1)             |             +-----------+
 *                           +-------+--------+
 *                                   | routing, masquerade
 *                                 uplink     takes 64 KiB: who is handed more cuts it, here, in software
 *
 * (1) What the machine itself sends to a container goes nowhere else: the bridge and the machine's plugs always take large
 * packets. That is every published port that a process of the machine asks.
 *
 * (2) What a container sends goes to its siblings or out, and its plug can't tell: TCP asks the link for the size, not
 * the route. Out of the machine, IPv4 is cut into packets of the wire's size by the processor instead of the card. So a
 * container's plug takes large packets of IPv4 where nothing gets out, in internal networks, and of IPv6 nowhere.
 *
 * For IPv6 marks a large packet by a header of eight bytes between IP's and TCP's, and two parts of Linux forget it. On the way
 * out (6.18) the mark is counted as a part of each piece: all are too big for the wire by eight bytes, and the container is told
 * so again and again. From sibling to sibling (Debian's 6.12.118), where the bridge shows its frames to the router's rules, as
 * beside Docker, TCP's header is looked for where the mark begins. So its length is read from the first four bits of the sequence
 * number; five of their sixteen values are too small, and the packet is dropped.
 *
 * What the kernel does by itself: it lowers the bridge's size to that of a port which has less.
 *
 * Where we differ from Docker: it leaves all sizes at 64 KiB. `-o gangway.big-tcp=on` lets containers of any network send
 * large packets of IPv4, `off` leaves all sizes alone.
 *
 * @see Documentation/networking/segmentation-offloads.rst; ip6_pkt_too_big in net/ipv6/ip6_output.c;
 * br_nf_pre_routing_ipv6 in net/bridge/br_netfilter_ipv6.c; qdisc_pkt_len_segs_init in net/core/dev.c; docs/decisions/0019-big-tcp.md
 */
import type { Family } from '../values/address.ts';
import type { SegmentSizes, Segments } from '../values/gso-sizes.ts';
import type { BigTcp, Subnet } from '../values/network.ts';

/** As many pages of 4 KiB as one packet has room for descriptions of 32 KiB; larger ones were not faster. */
const largeBytes = 393_216;

/** What decides about a network's sizes. */
export interface GsoSizeFacts {
  readonly bigTcp?: BigTcp;
  readonly internal: boolean;
  readonly subnets: readonly Subnet[];
}

/** @param able families of which the kernel's links take large packets */
export function chooseGsoSizes(
  { bigTcp = 'auto', internal, subnets }: GsoSizeFacts,
  able: readonly Family[],
): { readonly segments?: SegmentSizes } {
  const families = able.filter((family) => subnets.some(({ subnet }) => subnet.address.family === family));
  if (bigTcp === 'off' || families.length === 0) return {};
  const sent = families.filter((family) => family === 4 && (internal || bigTcp === 'on'));
  return { segments: { machine: large(families), containers: large(sent) } };
}

function large(families: readonly Family[]): Segments {
  return Object.fromEntries(families.map((family) => [family, largeBytes]));
}
