/**
 * Chapter 16: transparent.
 *
 * Whom does a container see that is asked by a relay? The relay: a connection has this machine's address on the bridge as its
 * source. Where somebody wants to see the client, the relay connects in the client's name (IP_TRANSPARENT). The packets
 * that go there need nothing. The answers do, since they are addressed to somebody else:
 *
 *      client 203.0.113.2 ──> 203.0.113.1:8080 │ relay │ 203.0.113.2 ──> 172.17.0.2:80
 *                                              │   ^   │ 203.0.113.2 <── 172.17.0.2:80
 *                                                  └── there is a socket of ours for these two ends: marked, to be
 *                                                      delivered here by the rule 642, and not forwarded
 *
 *      642: from all fwmark 0x10000001 lookup 268435457 proto 103
 *      table 268435457: local default dev lo
 *
 * One rule and one route a family, and one table of nftables, for all ports of all containers; they name none. They are
 * made with the first transparent port, and stay until `gangway gc` takes the idle firewall away.
 *
 * What the machine itself sends under that mark are the relay's packets to the container. Rule 640 of unseen.ts comes first and
 * leads them there; and it answers the kernel's question where a container lives, when rp_filter asks it for an answer
 * that is marked.
 *
 * Whom the container answers without this machine, a sibling above all, can't be shown so: the answer would go to who has
 * never asked. Of them the container sees the gateway, as ever.
 *
 * Where we differ from Docker: it has nothing of the kind.
 *
 * @see IP_TRANSPARENT in ip(7), https://docs.kernel.org/networking/tproxy.html
 */
import { readFileSync } from 'node:fs';
import type { Step } from '../plan/step.ts';
import type { Family } from '../values/address.ts';
import { returningMark } from '../values/firewall-mark.ts';
import type { Forward } from '../values/port.ts';

/** Behind those of unseen.ts, before all rules of others. */
const priority = 642;
/** A number that nobody else has for a table. */
const table = returningMark;

/** Does one of these ports need a way back? */
export function isTransparent(forwards: readonly Forward[]): boolean {
  return forwards.some(({ binding }) => binding.clientAddress === 'transparent');
}

/** `nft -f transparent.nft`, `ip route add local default dev lo table …`, `ip rule add fwmark … lookup …` */
export function returnPath(families: readonly Family[]): readonly Step[] {
  const file = readFileSync(new URL('../firewall/nftables/transparent.nft', import.meta.url), 'utf8');
  const text = file.slice(file.indexOf('create table'));
  const why = 'what containers answer to a relay that asks in a client’s name gets a mark';
  return [
    { kind: 'ruleset', in: 'host', table: 'gangway-transparent', text, why },
    ...families.flatMap((family): readonly Step[] => [
      { kind: 'local-route', in: 'host', family, table, why: 'whoever is led to this table has arrived' },
      {
        kind: 'routing-rule',
        in: 'host',
        rule: { family, priority, mark: returningMark, action: table },
        why: 'what is answered to a client’s relay is for this machine, and not for the client',
      },
    ]),
  ];
}
