/**
 * The stages of a packet's path through the constant rules, in order: what each decides, in which chains of either back
 * end, and which sets it uses.
 *
 *      link or veth -> anti-spoofing -> prerouting -> forward: user, bridges, siblings, leave, enter -> postrouting -> link or veth
 *
 * `rules` prints one line per stage. The rules themselves are in nftables/ruleset.nft, nftables/anti-spoofing.nft and
 * iptables/ruleset.rules.
 */
import type { DiversionStep, FirewallStep } from '../plan/step.ts';
import { isAntiSpoofingStep } from './anti-spoofing.ts';
import type { BackendName } from './backend.ts';

export interface Stage {
  /** The rules that the stage belongs to: the policy, anti-spoofing (`guard`), or the container's own namespace. */
  readonly of: 'policy' | 'guard' | 'container';
  readonly sentence: string;
  /** The nftables sets listed at this stage; each set has one stage. */
  readonly sets: readonly string[];
  readonly chains: Readonly<Record<BackendName, Chains>>;
  /** Every packet passes it, so `rules` lists it for every subject. */
  readonly always?: true;
}

interface Chains {
  /** The kernel's hook or hooks. */
  readonly hook: string;
  readonly names: readonly string[];
}

const families = (set: string) => [`${set}4`, `${set}6`];
const listed = (set: string) => [set, `${set}_ports`].flatMap(families);

export const stages: readonly Stage[] = [
  {
    of: 'container',
    sentence: 'DNS queries to 127.0.0.11:53 are redirected to the port of the container’s DNS server',
    sets: [],
    chains: both('output, inside the container', ['output']),
  },
  guarded(
    'frames from a container are checked before the bridge learns their MAC',
    ['from_container', 'sender', 'datagram'],
    ['plugs'],
  ),
  guarded('IPv4 packets must have an address of the container as the source', ['sender4', 'packet4'], ['addresses4']),
  guarded('ARP must announce the container’s own MAC and addresses', ['resolution'], ['macs']),
  guarded(
    'IPv6 packets and advertisements must have an address of the container',
    ['sender6', 'packet6', 'message'],
    ['addresses6'],
  ),
  policy(
    'drops spoofed container addresses, and external packets to ports published on loopback',
    ['loopback_ports4', 'unguarded'],
    {
      nftables: ['prerouting', 'wire_guard', 'names'],
      iptables: [
        'prerouting',
        'GANGWAY-LOOPBACK',
        'GANGWAY-WIRE',
        'GANGWAY-BRIDGED',
        'GANGWAY-PRETENDED',
        'GANGWAY-NAMES',
        'GANGWAY-NAMED',
        'GANGWAY-CLAIMED',
      ],
    },
  ),
  policy(
    'a published port of the host is translated to a container port (DNAT)',
    ['ports', 'ranges', 'host_ports', 'host_ranges'].flatMap(families),
    {
      nftables: ['prerouting, output', 'from_outside', 'from_host', 'published'],
      iptables: ['prerouting, output', 'GANGWAY-PUBLISHED', 'GANGWAY-HOST-PORTS', 'GANGWAY-PORTS'],
    },
  ),
  policy('packets from and to containers get a mark; routing drops those without it', families('inside'), {
    nftables: ['prerouting', 'seen'],
    iptables: ['prerouting', 'GANGWAY-SEEN', 'GANGWAY-INSIDE', 'GANGWAY-HEARD', 'GANGWAY-STRANGE', 'GANGWAY-UNSEEN'],
  }),
  policy('to the host: internal networks reach only their gateway', ['internal', 'isolated', 'limited'], {
    nftables: ['input', 'host_guard', 'gateway_only'],
    iptables: ['input', 'GANGWAY-INPUT', 'GANGWAY-GATEWAY-ONLY'],
  }),
  policy(
    'to the host: proxied ports are closed to internal and limited networks',
    ['carried_ports', ...families('carried_host_ports')],
    {
      nftables: ['input', 'host_limited', 'carried'],
      iptables: ['input', 'GANGWAY-HOST-LIMITED', 'GANGWAY-CARRIED', 'GANGWAY-CARRIED-AT'],
    },
  ),
  {
    ...policy('user rules come before all of gangway’s', [], {
      nftables: ['forward', 'GANGWAY-USER'],
      iptables: ['forward', 'GANGWAY-USER'],
    }),
    always: true,
  },
  policy('packets from a gangway bridge must be allowed to leave, packets to one to enter', ['bridges'], {
    nftables: ['forward', 'forward', 'between'],
    iptables: ['forward', 'GANGWAY-FORWARD', 'GANGWAY-FROM', 'GANGWAY-TO', 'GANGWAY-OURS'],
  }),
  policy('between containers of one network', ['same_bridge', 'apart'], {
    nftables: ['forward', 'together', 'siblings', 'insiders'],
    iptables: [
      'forward',
      'GANGWAY-SAME-BRIDGE',
      'GANGWAY-APART',
      'GANGWAY-TOGETHER',
      'GANGWAY-SIBLINGS',
      'GANGWAY-INSIDERS',
      'GANGWAY-ELSEWHERE',
    ],
  }),
  policy('out of a network: its mode decides; a network not listed here is closed', ['leaving'], {
    nftables: ['forward', 'leave'],
    iptables: ['forward', 'GANGWAY-LEAVE'],
  }),
  policy('out, modes nat and nat-unprotected: only packets of a tracked connection, which can be translated', [], {
    nftables: ['forward', 'leave_nat'],
    iptables: ['forward', 'GANGWAY-LEAVE-NAT'],
  }),
  policy('out, mode routed: everything, except errors about connections translated for other networks', [], {
    nftables: ['forward', 'leave_routed'],
    iptables: ['forward', 'GANGWAY-LEAVE-ROUTED'],
  }),
  policy('out, with an egress policy: replies, and destinations allowed below', [], {
    nftables: ['forward', 'leave_limited'],
    iptables: ['forward', 'GANGWAY-LEAVE-LIMITED'],
  }),
  policy('out, an ICMP error: only about a connection with an end in this network', [], {
    nftables: ['forward, input', 'errors'],
    iptables: ['forward, input', 'GANGWAY-ERRORS'],
  }),
  policy('destinations that the egress policy denies, before those that it allows', listed('denied'), {
    nftables: ['forward, input', 'denied'],
    iptables: ['forward, input', 'GANGWAY-DENIED'],
  }),
  policy('destinations allowed by name: addresses from DNS answers, until they expire', listed('learned'), {
    nftables: ['forward', 'learned'],
    iptables: ['forward', 'GANGWAY-OUTSIDE', 'GANGWAY-LEARNED'],
  }),
  policy('destinations that the egress policy allows; all others are dropped', listed('allowed'), {
    nftables: ['forward, input', 'allowed'],
    iptables: ['forward, input', 'GANGWAY-ALLOWED'],
  }),
  policy(
    'into a network: drops spoofed sources, then its mode decides; a network not listed here is closed',
    ['entering', ...families('subnets')],
    { nftables: ['forward', 'enter', 'entered'], iptables: ['forward', 'GANGWAY-CLAIMS', 'GANGWAY-ENTER'] },
  ),
  policy('in, mode nat: replies, and connections through a published port', families('trusted_ports'), {
    nftables: ['forward', 'enter_nat'],
    iptables: ['forward', 'GANGWAY-ENTER-NAT', 'GANGWAY-TRUSTED'],
  }),
  policy('in: packets with the mark that the network accepts', ['accepted_marks'], {
    nftables: ['forward', 'marked'],
    iptables: ['forward', 'GANGWAY-MARKED'],
  }),
  policy('in, mode nat-unprotected: everything', [], {
    nftables: ['forward', 'enter_unprotected'],
    iptables: ['forward', 'GANGWAY-ENTER-UNPROTECTED'],
  }),
  policy('in, mode routed: replies, pings, and published ports', families('open_ports'), {
    nftables: ['forward', 'enter_routed'],
    iptables: ['forward', 'GANGWAY-ENTER-ROUTED', 'GANGWAY-OPEN'],
  }),
  policy('between external networks: dropped where only gangway enabled forwarding', ['closed_transit'], {
    nftables: ['forward, postrouting', 'strangers', 'between_foreign', 'transit'],
    iptables: ['forward', 'GANGWAY-STRANGERS', 'GANGWAY-TRANSIT'],
  }),
  policy('the host sends no redirects to containers', [], {
    nftables: ['output', 'own_packets'],
    iptables: ['output', 'GANGWAY-REDIRECTS'],
  }),
  policy(
    'outgoing packets get the host’s address as the source, or the chosen one',
    ['masqueraded', ...['sources', 'own_ports', 'own_host_ports'].flatMap(families)],
    {
      nftables: ['postrouting', 'masks', 'stays', 'lent_port', 'spare_port', 'shadows', 'masked', 'shadow'],
      iptables: [
        'postrouting',
        'GANGWAY-MASKS',
        'GANGWAY-HAIRPIN',
        'GANGWAY-STAY',
        'GANGWAY-OWN-PORTS',
        'GANGWAY-OWN-SOURCES',
        'GANGWAY-TAKEN',
        'GANGWAY-SPARE-SOURCES',
        'GANGWAY-SPARE-PORT',
        'GANGWAY-SOURCES',
        'GANGWAY-LENT-PORT',
      ],
    },
  ),
];

/** The stage at which a fact is listed. */
export function stageOf(step: FirewallStep | DiversionStep): Stage | undefined {
  return stages.find((station) => {
    if (step.kind === 'diversion') return station.of === 'container';
    if (step.kind === 'rule') return station.chains.iptables.names.includes(step.rule?.chain ?? '');
    return (
      station.of === (isAntiSpoofingStep(step) ? 'guard' : 'policy') && station.sets.includes(step.element?.set ?? '')
    );
  });
}

/** Does a fact send packets to this stage? */
export function jumpsTo(step: FirewallStep | DiversionStep, station: Stage): boolean {
  if (step.kind === 'rule') {
    const words = step.rule?.words ?? [];
    return station.chains.iptables.names.includes(words[words.indexOf('-g') + 1] ?? '');
  }
  const [target] = (step.kind === 'element' && step.element?.value) || [];
  return target?.type === 'goto' && station.chains.nftables.names.includes(target.chain);
}

function both(hook: string, names: readonly string[]): Stage['chains'] {
  return { nftables: { hook, names }, iptables: { hook, names } };
}

function guarded(sentence: string, names: readonly string[], sets: readonly string[]): Stage {
  return { of: 'guard', sentence, sets, chains: both('bridge prerouting', names) };
}

function policy(
  sentence: string,
  sets: readonly string[],
  chains: Readonly<Record<BackendName, readonly [hook: string, ...names: string[]]>>,
): Stage {
  const of = ([hook, ...names]: readonly [string, ...string[]]): Chains => ({ hook, names });
  return { of: 'policy', sentence, sets, chains: { nftables: of(chains.nftables), iptables: of(chains.iptables) } };
}
