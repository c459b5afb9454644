/**
 * A packet's way through the constant rules, as stations: where it is asked what, in which chains of either back end, and which
 * of the facts that come and go are asked there.
 *
 *     wire or cable -> guard -> prerouting -> forward: owner, bridges, siblings, leave, enter -> postrouting -> wire or cable
 *
 * The rules themselves stand in nftables/ruleset.nft, nftables/anti-spoofing.nft and iptables/ruleset.rules; this is what a person is
 * told of them, in one line each.
 */
import type { DiversionStep, FirewallStep } from '../plan/step.ts';
import { isAntiSpoofingStep } from './anti-spoofing.ts';
import type { BackendName } from './backend.ts';

export interface Stage {
  /** Whose rules these are: of the policy, of the guard in front of the bridges, or of one container's own namespace. */
  readonly of: 'policy' | 'guard' | 'container';
  readonly sentence: string;
  /** The sets of nftables whose elements are told here: each is told once. */
  readonly sets: readonly string[];
  readonly chains: Readonly<Record<BackendName, Chains>>;
  /** Nobody gets past it, whatever it is that is asked about. */
  readonly always?: true;
}

interface Chains {
  /** The kernel's hook, with what else may be asked there. */
  readonly hook: string;
  readonly names: readonly string[];
}

const families = (set: string) => [`${set}4`, `${set}6`];
const listed = (set: string) => [set, `${set}_ports`].flatMap(families);

/** In the order in which a packet meets them. */
export const stages: readonly Stage[] = [
  {
    of: 'container',
    sentence: 'a container asks 127.0.0.11 for names, and its name server listens beside that port',
    sets: [],
    chains: both('output, inside the container', ['output']),
  },
  guarded(
    'what comes out of a container’s cable is looked at before the switch learns anything from it',
    ['from_container', 'sender', 'datagram'],
    ['plugs'],
  ),
  guarded('IPv4 is sent from the container’s own addresses', ['sender4', 'packet4'], ['addresses4']),
  guarded('ARP tells of the container’s own MAC and addresses', ['resolution'], ['macs']),
  guarded(
    'IPv6 is sent from the container’s own addresses, and none but these is advertised',
    ['sender6', 'packet6', 'message'],
    ['addresses6'],
  ),
  policy(
    'no wire has a container’s address, no container another’s; ports of loopback stay there',
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
    'a published port of this machine becomes a port of a container',
    ['ports', 'ranges', 'host_ports', 'host_ranges'].flatMap(families),
    {
      nftables: ['prerouting, output', 'from_outside', 'from_host', 'published'],
      iptables: ['prerouting, output', 'GANGWAY-PUBLISHED', 'GANGWAY-HOST-PORTS', 'GANGWAY-PORTS'],
    },
  ),
  policy(
    'what containers send and get is marked as seen; the routing has a black hole for all else',
    families('inside'),
    {
      nftables: ['prerouting', 'seen'],
      iptables: ['prerouting', 'GANGWAY-SEEN', 'GANGWAY-INSIDE', 'GANGWAY-HEARD', 'GANGWAY-STRANGE', 'GANGWAY-UNSEEN'],
    },
  ),
  policy(
    'to this machine: from an internal network its own gateway alone can be asked',
    ['internal', 'isolated', 'limited'],
    {
      nftables: ['input', 'host_guard', 'gateway_only'],
      iptables: ['input', 'GANGWAY-INPUT', 'GANGWAY-GATEWAY-ONLY'],
    },
  ),
  policy(
    'to this machine: what it would carry itself is closed to internal and limited networks',
    ['carried_ports', ...families('carried_host_ports')],
    {
      nftables: ['input', 'host_limited', 'carried'],
      iptables: ['input', 'GANGWAY-HOST-LIMITED', 'GANGWAY-CARRIED', 'GANGWAY-CARRIED-AT'],
    },
  ),
  {
    ...policy('the rules of the machine’s owner come before all of ours', [], {
      nftables: ['forward', 'GANGWAY-USER'],
      iptables: ['forward', 'GANGWAY-USER'],
    }),
    always: true,
  },
  policy('what comes from one of our bridges is asked if it may leave, what goes to one if it may enter', ['bridges'], {
    nftables: ['forward', 'forward', 'between'],
    iptables: ['forward', 'GANGWAY-FORWARD', 'GANGWAY-FROM', 'GANGWAY-TO', 'GANGWAY-OURS'],
  }),
  policy('containers of one network, to each other', ['same_bridge', 'apart'], {
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
  policy('out of a network: its mode decides; of what is not named here, nothing leaves', ['leaving'], {
    nftables: ['forward', 'leave'],
    iptables: ['forward', 'GANGWAY-LEAVE'],
  }),
  policy('out, modes nat and nat-unprotected: only what belongs to a connection, and can be translated', [], {
    nftables: ['forward', 'leave_nat'],
    iptables: ['forward', 'GANGWAY-LEAVE-NAT'],
  }),
  policy('out, mode routed: as it is, but for errors about what is translated for others', [], {
    nftables: ['forward', 'leave_routed'],
    iptables: ['forward', 'GANGWAY-LEAVE-ROUTED'],
  }),
  policy('out, with an egress policy: answers, and what is asked about below', [], {
    nftables: ['forward', 'leave_limited'],
    iptables: ['forward', 'GANGWAY-LEAVE-LIMITED'],
  }),
  policy('out, an error: of a connection that has an end in this network', [], {
    nftables: ['forward, input', 'errors'],
    iptables: ['forward, input', 'GANGWAY-ERRORS'],
  }),
  policy('to whom a network with an egress policy may not speak, whatever is allowed', listed('denied'), {
    nftables: ['forward, input', 'denied'],
    iptables: ['forward, input', 'GANGWAY-DENIED'],
  }),
  policy('to whom it may by name: what answers have told, as long as they hold', listed('learned'), {
    nftables: ['forward', 'learned'],
    iptables: ['forward', 'GANGWAY-OUTSIDE', 'GANGWAY-LEARNED'],
  }),
  policy('to whom it may: to nobody else', listed('allowed'), {
    nftables: ['forward, input', 'allowed'],
    iptables: ['forward, input', 'GANGWAY-ALLOWED'],
  }),
  policy(
    'into a network: nobody claims to be inside, and its mode decides; without one nothing enters',
    ['entering', ...families('subnets')],
    { nftables: ['forward', 'enter', 'entered'], iptables: ['forward', 'GANGWAY-CLAIMS', 'GANGWAY-ENTER'] },
  ),
  policy('in, mode nat: answers, and what came by a published port', families('trusted_ports'), {
    nftables: ['forward', 'enter_nat'],
    iptables: ['forward', 'GANGWAY-ENTER-NAT', 'GANGWAY-TRUSTED'],
  }),
  policy('in: what the machine’s owner has marked, where the network accepts that mark', ['accepted_marks'], {
    nftables: ['forward', 'marked'],
    iptables: ['forward', 'GANGWAY-MARKED'],
  }),
  policy('in, mode nat-unprotected: everything', [], {
    nftables: ['forward', 'enter_unprotected'],
    iptables: ['forward', 'GANGWAY-ENTER-UNPROTECTED'],
  }),
  policy('in, mode routed: answers, pings, and published ports', families('open_ports'), {
    nftables: ['forward', 'enter_routed'],
    iptables: ['forward', 'GANGWAY-ENTER-ROUTED', 'GANGWAY-OPEN'],
  }),
  policy(
    'between strangers: a machine that forwards because of gangway alone does so for containers alone',
    ['closed_transit'],
    {
      nftables: ['forward, postrouting', 'strangers', 'between_foreign', 'transit'],
      iptables: ['forward', 'GANGWAY-STRANGERS', 'GANGWAY-TRANSIT'],
    },
  ),
  policy('this machine tells no container of a way around it', [], {
    nftables: ['output', 'own_packets'],
    iptables: ['output', 'GANGWAY-REDIRECTS'],
  }),
  policy(
    'the source: who goes out gets the machine’s address, or the one that was chosen',
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

/** Where a fact is told. */
export function stageOf(step: FirewallStep | DiversionStep): Stage | undefined {
  return stages.find((station) => {
    if (step.kind === 'diversion') return station.of === 'container';
    if (step.kind === 'rule') return station.chains.iptables.names.includes(step.rule?.chain ?? '');
    return (
      station.of === (isAntiSpoofingStep(step) ? 'guard' : 'policy') && station.sets.includes(step.element?.set ?? '')
    );
  });
}

/** Does a fact send packets on to this station? */
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
