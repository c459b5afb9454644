/** Explains elements for `explain`, `rules` and the metrics: why they exist, and what their counters count. */

import type { SetParts } from '../kernel/set-key.ts';
import type { FirewallStep } from '../plan/step.ts';
import { type Family, formatAddress, formatPrefix } from '../values/address.ts';
import { formatFirewallMark } from '../values/firewall-mark.ts';
import { formatRange } from '../values/port-grammar.ts';
import type { Datum, SetElement } from '../values/set-element.ts';
import { chainsOf } from './iptables/render.ts';
import { allSets, type NetworkPolicy } from './policy.ts';

/** A sentence about an element of a set. */
type Sentence = (element: ElementText, network: string) => string;

/** The parts of an element as text. */
interface ElementText {
  readonly bridge: string;
  /** `IPv4`; empty for a set of both families. */
  readonly family: string;
  readonly mode: string;
  /** A subnet, or a source address. */
  readonly address: string;
  readonly mark: string;
  /** ` at tcp 80`; empty for a set without ports. */
  readonly ports: string;
}

const sentences: Readonly<Record<string, Sentence>> = {
  bridges: ({ bridge }, network) =>
    `${bridge} is the bridge of network ${network}: the policy applies to packets from and to it`,
  unguarded: (_, network) =>
    `${network} has no anti-spoofing: its containers may use any source address outside of other container networks`,
  same_bridge: (_, network) => `containers of ${network} may talk to each other`,
  apart: (_, network) => `containers of ${network} reach each other only through published ports`,
  limited: (_, network) => `${network} has an egress policy: its outgoing connections are limited`,
  accepted_marks: ({ mark }, network) => `packets with mark ${mark} may enter ${network}, to published and other ports`,
  denied: ({ address, ports }, network) => `containers of ${network} may not connect to ${address}${ports}`,
  allowed: ({ address, ports }, network) => `containers of ${network} may connect to ${address}${ports}`,
  learned: ({ address, ports }, network) =>
    `a DNS answer for an allowed name: containers of ${network} may connect to ${address}${ports} until it expires`,
  leaving: ({ family, mode }, network) =>
    `${family} packets from containers of ${network}: ${mode} decides what may leave`,
  entering: ({ family, mode }, network) =>
    `${family} packets to containers of ${network}: ${mode} decides what may enter`,
  internal: ({ family }, network) =>
    `${network} is internal: in ${family}, its containers reach no address of the host except the gateway`,
  isolated: ({ family }, network) =>
    `${network} is isolated: in ${family}, its containers reach no address of the host`,
  masqueraded: ({ family }, network) =>
    `${family} packets from containers of ${network} leave with the host’s address as the source`,
  sources: ({ address }, network) => `packets from containers of ${network} leave with the source address ${address}`,
  subnets: ({ bridge, address }) =>
    `${address} belongs to ${bridge}: packets from elsewhere with such a source are dropped`,
  inside: ({ address }) =>
    `${address} is inside: external packets with such a source are dropped, and packets to it get the mark that routing requires`,
};

const setEnd = /(_ports)?[46]?$/;

/** The reason for an element of `networkElements`. */
export function reasonOf(element: SetElement, policy: NetworkPolicy, network: string): string {
  const { bridge, gatewayModes, acceptedMark } = policy;
  const family = familyOf(element.key);
  const sentence = sentences[element.set.replace(setEnd, '')];
  if (sentence === undefined) return `part of the policy of ${bridge}`;
  const [verdict] = element.value ?? [];
  const target = verdict?.type === 'goto' ? verdict.chain : '';
  const text: ElementText = {
    bridge,
    family: family === undefined ? '' : `IPv${family}`,
    mode: target === 'leave_limited' ? 'the egress policy' : `mode ${family === undefined ? '' : gatewayModes[family]}`,
    mark: acceptedMark === undefined ? '' : formatFirewallMark(acceptedMark),
    ports: element.key.map(portsIn).join(''),
    address: [...element.key, ...(element.value ?? [])].map(addressIn).join(''),
  };
  return sentence(text, network);
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
 * `out`, `in`: all packets that leave or enter a network. `connections`: only the first packet of each connection, as
 * connection tracking handles the others.
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

/** The sets whose elements have counters. */
export const countedSets: Readonly<Record<string, SetParts>> = Object.fromEntries(
  Object.entries(allSets).filter(([set]) => meaningOf(set) !== undefined),
);

const chains = new Map(Object.keys(countedSets).flatMap((set) => chainsOf(set).map((chain) => [chain, set])));

/** What the counter of a fact counts. */
export function counterMeaning(step: FirewallStep): CounterMeaning | undefined {
  const set = step.kind === 'rule' ? chains.get(step.rule?.chain ?? '') : step.element?.set;
  return meaningOf(set ?? '');
}
