/**
 * Chapter 14: large packets (BIG TCP).
 *
 * TCP hands segments of up to 64 KiB to the link, and the network card splits them into packets. Between containers
 * nothing splits them. There the 64 KiB, the limit of a 16-bit packet length, only force more passes through bridge and
 * firewall. Since Linux 6.3 (IPv6: 5.19) a link may accept larger segments ("BIG TCP").
 *
 *      container a                                          container b
 *     +-----------+         +----------------+             +-----------+
 *     | eth0   (2)|=========|(1) bridge   (1)|=============|(2)        |
 *     +-----------+         |(1)             |             +-----------+
 *                           +-------+--------+
 *                                   | routing, masquerade
 *                                 uplink     64 KiB: the host splits larger segments here, in software
 *
 * (1) The bridge and the host ends always accept large packets: packets from the host to a container go nowhere else.
 * This speeds up published ports for processes of the host.
 *
 * (2) A container's link can't tell siblings from external destinations, because TCP takes the size from the link, not
 * from the route. Splitting in software costs more than in the network card. So a container sends large IPv4 packets
 * only in internal networks, and never large IPv6 packets.
 *
 * Large IPv6 packets have an extra header of eight bytes, which two parts of Linux mishandle. On output (6.18) each
 * piece counts eight bytes too many and is refused as too big. Between siblings with bridge-nf-call-ip6tables (Debian's
 * 6.12.118), the TCP header is read at the wrong offset, and packets are dropped for 5 of 16 values there.
 *
 * The kernel lowers the bridge's size to that of its smallest port.
 *
 * Docker leaves all sizes at 64 KiB. `-o gangway.big-tcp=on` lets containers of any network send large IPv4 packets;
 * `off` changes no size.
 *
 * @see Documentation/networking/segmentation-offloads.rst; ip6_pkt_too_big in net/ipv6/ip6_output.c;
 * @see br_nf_pre_routing_ipv6 in net/bridge/br_netfilter_ipv6.c; qdisc_pkt_len_segs_init in net/core/dev.c; docs/decisions/0019-big-tcp.md
 */
import type { Family } from '../values/address.ts';
import type { SegmentSizes, Segments } from '../values/gso-sizes.ts';
import type { BigTcp, Subnet } from '../values/network.ts';

/** The maximum of one packet; larger values were not faster. */
const largeBytes = 393_216;

export interface GsoSizeFacts {
  readonly bigTcp?: BigTcp;
  readonly internal: boolean;
  readonly subnets: readonly Subnet[];
}

/** @param able families in which the kernel supports large packets */
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
