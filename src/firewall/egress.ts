/**
 * Converts an egress policy to set elements.
 *
 * The kernel refuses overlapping intervals, but a policy may list 10.1.0.0/16 beside 10.0.0.0/8. So nested prefixes are
 * merged: the widest prefix stays, and a narrower one keeps only the ports that no wider one has. The entries are
 * sorted first, because a policy may have ten thousand of them.
 */
import type { KeyPart, SetParts } from '../kernel/set-key.ts';
import { contains, type Family, families, network, type Prefix, unspecified } from '../values/address.ts';
import type { EgressEntry, EgressPolicy, PrefixEntry } from '../values/egress.ts';
import { type PortRange, type Protocol, protocols } from '../values/port.ts';
import { joined, without } from '../values/port-ranges.ts';
import type { Datum, SetElement } from '../values/set-element.ts';
import { learnedSets } from './dns-egress-elements.ts';

/** The elements of a policy. An empty allow list allows every destination that is not denied. */
export function egressElements(bridge: string, { allow, deny }: EgressPolicy): readonly SetElement[] {
  const allowed = allow.length === 0 ? families.map(everywhere) : allow;
  return [
    { set: 'limited', key: [ifname(bridge)] },
    ...listElements('denied', bridge, deny),
    ...listElements('allowed', bridge, allowed),
  ];
}

/** The sets of policies and of addresses learned from DNS. */
export const egressSets: Readonly<Record<string, SetParts>> = {
  ...learnedSets,
  limited: { key: [{ type: 'ifname' }] },
  ...Object.fromEntries(
    families.flatMap((family) =>
      ['denied', 'allowed'].flatMap((list): readonly (readonly [string, SetParts])[] => {
        const destination: readonly KeyPart[] = [{ type: 'ifname' }, { type: 'prefix', family }];
        return [
          [`${list}${family}`, { key: destination }],
          [`${list}_ports${family}`, { key: [...destination, { type: 'inet_proto' }, { type: 'ports' }] }],
        ];
      }),
    ),
  ),
};

function everywhere(family: Family): PrefixEntry {
  return { kind: 'prefix', prefix: { address: unspecified(family), length: 0 } };
}

function listElements(list: 'denied' | 'allowed', bridge: string, entries: readonly EgressEntry[]) {
  const addressed = entries
    .filter((entry): entry is PrefixEntry => entry.kind === 'prefix')
    .map((entry) => ({ ...entry, prefix: network(entry.prefix) }))
    .toSorted((a, b) => byAddress(a.prefix, b.prefix));
  const whole = addressed.filter(({ ports }) => ports === undefined).map(({ prefix }) => prefix);
  const key = (prefix: Prefix): readonly Datum[] => [ifname(bridge), { type: 'prefix', prefix }];
  return [
    ...outermost(whole).map((prefix): SetElement => ({ set: `${list}${prefix.address.family}`, key: key(prefix) })),
    ...protocols.flatMap((protocol) =>
      portsByPrefix(addressed, protocol).map(
        ({ prefix, range }): SetElement => ({
          set: `${list}_ports${prefix.address.family}`,
          key: [...key(prefix), { type: 'inet_proto', protocol }, { type: 'ports', ...range }],
        }),
      ),
    ),
  ];
}

/** Sorts a prefix directly before the prefixes that lie in it. */
function byAddress(a: Prefix, b: Prefix): number {
  if (a.address.family !== b.address.family) return a.address.family - b.address.family;
  if (a.address.value !== b.address.value) return a.address.value < b.address.value ? -1 : 1;
  return a.length - b.length;
}

/** Drops prefixes that lie in another one. @param prefixes sorted by address */
function outermost(prefixes: readonly Prefix[]): readonly Prefix[] {
  const kept: Prefix[] = [];
  for (const prefix of prefixes) {
    const last = kept.at(-1);
    if (last === undefined || !contains(last, prefix.address)) kept.push(prefix);
  }
  return kept;
}

interface PrefixPorts {
  readonly prefix: Prefix;
  readonly ports: readonly PortRange[];
}

/** Each prefix with the ports that no wider prefix has. @param entries sorted by address */
function portsByPrefix(entries: readonly PrefixEntry[], protocol: Protocol) {
  const found: { readonly prefix: Prefix; readonly range: PortRange }[] = [];
  // The enclosing prefixes, outermost first; each includes the ports of those before it.
  let around: readonly PrefixPorts[] = [];
  for (const { prefix, ports } of together(entries, protocol)) {
    around = around.filter((other) => contains(other.prefix, prefix.address));
    const wider = around.at(-1)?.ports ?? [];
    const own = wider.reduce(without, joined(ports));
    found.push(...own.map((range) => ({ prefix, range })));
    around = [...around, { prefix, ports: joined([...wider, ...own]) }];
  }
  return found;
}

/** Groups the ports of equal prefixes. @param entries sorted by address */
function together(entries: readonly PrefixEntry[], protocol: Protocol): readonly PrefixPorts[] {
  const groups: { readonly prefix: Prefix; readonly ports: PortRange[] }[] = [];
  for (const { prefix, ports, protocol: only = protocol } of entries) {
    if (ports === undefined || only !== protocol) continue;
    const last = groups.at(-1);
    if (last !== undefined && byAddress(last.prefix, prefix) === 0) last.ports.push(ports);
    else groups.push({ prefix, ports: [ports] });
  }
  return groups;
}

function ifname(name: string): Datum {
  return { type: 'ifname', name };
}
