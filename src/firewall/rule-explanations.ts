/** Why the firewall has an element of a network: a sentence for whoever reads `explain` and `rules`. */

import type { SetParts } from '../kernel/set-key.ts';
import type { FirewallStep } from '../plan/step.ts';
import { type Family, formatAddress, formatPrefix } from '../values/address.ts';
import { formatFirewallMark } from '../values/firewall-mark.ts';
import { formatRange } from '../values/port-grammar.ts';
import type { Datum, SetElement } from '../values/set-element.ts';
import { chainsOf } from './iptables/render.ts';
import { allSets, type NetworkPolicy } from './policy.ts';

/** What is said of an element, by its set without the ports and the family at its end. */
type Sentence = (element: Told, network: string) => string;

/** What the sentences need of an element. */
interface Told {
  readonly bridge: string;
  /** `IPv4`; empty where a set is for both. */
  readonly family: string;
  readonly mode: string;
  /** A subnet, or the address that takes another one's place. */
  readonly address: string;
  readonly mark: string;
  /** ` at tcp 80`, where a set has ports. */
  readonly ports: string;
}

const sentences: Readonly<Record<string, Sentence>> = {
  bridges: ({ bridge }, network) =>
    `${bridge} is the switch of network ${network}: what leaves or enters it is asked about`,
  unguarded: (_, network) => `containers of ${network} may send under any address but one of another network`,
  same_bridge: (_, network) => `containers of ${network} may talk to each other`,
  apart: (_, network) => `containers of ${network} reach each other by published ports alone`,
  limited: (_, network) => `${network} has an egress policy: its containers may not speak to everybody`,
  accepted_marks: ({ mark }, network) => `what carries the mark ${mark} may enter ${network}, published or not`,
  denied: ({ address, ports }, network) => `containers of ${network} may not speak to ${address}${ports}`,
  allowed: ({ address, ports }, network) => `containers of ${network} may speak to ${address}${ports}`,
  learned: ({ address, ports }, network) =>
    `an answer for a name told ${network} of ${address}: its containers may speak to it${ports}, for a while`,
  leaving: ({ family, mode }, network) =>
    `${family} packets from containers of ${network} leave under the rules of ${mode}`,
  entering: ({ family, mode }, network) =>
    `${family} packets to containers of ${network} enter under the rules of ${mode}`,
  internal: ({ family }, network) =>
    `${network} is internal: by ${family}, its containers see no address of the machine but their gateway’s`,
  isolated: ({ family }, network) => `${network} is isolated: by ${family}, its containers see nothing of the machine`,
  masqueraded: ({ family }, network) =>
    `${family} packets from containers of ${network} go out under the machine’s own address`,
  sources: ({ address }, network) => `packets from containers of ${network} go out under ${address}`,
  subnets: ({ bridge, address }) => `${address} lives behind ${bridge}, and nobody elsewhere may claim to`,
  inside: ({ address }) =>
    `nobody on a wire is of ${address}; what goes there is marked as seen: without the mark, the routing has a black hole for it`,
};

const setEnd = /(_ports)?[46]?$/;

/** A sentence about an element of `networkElements`. */
export function reasonOf(element: SetElement, policy: NetworkPolicy, network: string): string {
  const { bridge, gatewayModes, acceptedMark } = policy;
  const family = familyOf(element.key);
  const sentence = sentences[element.set.replace(setEnd, '')];
  if (sentence === undefined) return `the firewall knows ${bridge} before a packet can cross it`;
  const [verdict] = element.value ?? [];
  const target = verdict?.type === 'goto' ? verdict.chain : '';
  const told: Told = {
    bridge,
    family: family === undefined ? '' : `IPv${family}`,
    mode: target === 'leave_limited' ? 'its egress policy' : `mode ${family === undefined ? '' : gatewayModes[family]}`,
    mark: acceptedMark === undefined ? '' : formatFirewallMark(acceptedMark),
    ports: element.key.map(portsIn).join(''),
    address: [...element.key, ...(element.value ?? [])].map(addressIn).join(''),
  };
  return sentence(told, network);
}

function familyOf(key: readonly Datum[]): Family | undefined {
  return key.flatMap((datum) => (datum.type === 'nf_proto' ? [datum.family] : []))[0];
}

function addressIn(datum: Datum): string {
  if (datum.type === 'address') return formatAddress(datum.address);
  return datum.type === 'prefix' ? formatPrefix(datum.prefix) : '';
}

function portsIn(datum: Datum): string {
  if (datum.type === 'inet_proto') return ` at ${datum.protocol} `;
  return datum.type === 'ports' ? formatRange(datum) : '';
}

/**
 * `out`, `in`: every packet that leaves or enters a network. `connections`: of each the first packet alone, as those that
 * follow are translated, or let in, without this fact being asked.
 */
export type CounterMeaning = 'out' | 'in' | 'connections';

const meanings: readonly (readonly [pattern: RegExp, CounterMeaning])[] = [
  [/^leaving$/, 'out'],
  [/^entering$/, 'in'],
  [/^((host_)?(ports|ranges)|open_ports|trusted_ports)[46]$/, 'connections'],
];

function meaningOf(set: string): CounterMeaning | undefined {
  return meanings.find(([pattern]) => pattern.test(set))?.[1];
}

/** The sets of what is counted. */
export const countedSets: Readonly<Record<string, SetParts>> = Object.fromEntries(
  Object.entries(allSets).filter(([set]) => meaningOf(set) !== undefined),
);

const chains = new Map(Object.keys(countedSets).flatMap((set) => chainsOf(set).map((chain) => [chain, set])));

/** What a fact's number means. */
export function counterMeaning(step: FirewallStep): CounterMeaning | undefined {
  const set = step.kind === 'rule' ? chains.get(step.rule?.chain ?? '') : step.element?.set;
  return meaningOf(set ?? '');
}
