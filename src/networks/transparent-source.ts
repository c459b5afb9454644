/**
 * Chapter 15: transparent source address.
 *
 * A proxied connection has the host's address on the bridge as its source. To show the client's address instead, the
 * proxy binds to that address (IP_TRANSPARENT). The packets to the container need nothing else, but its replies are
 * addressed to the client and must return to the proxy:
 *
 *      client 203.0.113.2 ──> 203.0.113.1:8080 │ proxy │ 203.0.113.2 ──> 172.17.0.2:80
 *                                              │   ^   │ 203.0.113.2 <── 172.17.0.2:80
 *                                                  └── the proxy has a socket for these two ends: the reply is marked
 *                                                      and delivered here by rule 642, not forwarded
 *
 *      642: from all fwmark 0x10000001 lookup 268435457 proto 103
 *      table 268435457: local default dev lo
 *
 * One rule and one route per family and one nftables table serve all ports of all containers. They are created with the
 * first transparent port, and stay until `gangway gc` removes the unused firewall.
 *
 * The proxy's own packets to the container have the same mark. Rule 640 (fail-closed-routing.ts) comes first and routes
 * them to the container; it also answers the kernel's rp_filter lookup for a marked reply.
 *
 * A container that replies without this host, above all to a sibling, can't be served: the reply would not reach the
 * proxy. There the container sees the gateway's address, as usual.
 *
 * Docker has nothing like it.
 *
 * @see IP_TRANSPARENT in ip(7), https://docs.kernel.org/networking/tproxy.html
 */
import { readFileSync } from 'node:fs';
import type { Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import { returningMark } from '../values/firewall-mark.ts';
import type { Forward } from '../values/port.ts';

/** After the rules of fail-closed-routing.ts, before all foreign rules. */
const priority = 642;
/** An unused table number. */
const table = returningMark;

/** Does one of these ports need a return path? */
export function isTransparent(forwards: readonly Forward[]): boolean {
  return forwards.some(({ binding }) => binding.clientAddress === 'transparent');
}

/**
 * The steps of the return path: `nft -f transparent.nft`, `ip route add local default dev lo table …`, `ip rule add
 * fwmark … lookup …`
 */
export function returnPath(families: readonly Family[]): readonly Step[] {
  const file = readFileSync(new URL('../firewall/nftables/transparent.nft', import.meta.url), 'utf8');
  const text = file.slice(file.indexOf('create table'));
  const why = 'mark replies of containers to the proxy’s transparent connections';
  return [
    { kind: 'ruleset', in: 'host', table: 'gangway-transparent', text, why },
    ...families.flatMap((family): readonly Step[] => [
      { kind: 'local-route', in: 'host', family, table, why: 'packets routed by this table are delivered to the host' },
      {
        kind: 'routing-rule',
        in: 'host',
        rule: { family, priority, mark: returningMark, action: table },
        why: 'marked replies are delivered to the host’s proxy, not to the client',
      },
    ]),
  ];
}
