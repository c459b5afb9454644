/**
 * An egress policy as elements: what a limited network's containers may begin, and what not.
 *
 * The kernel refuses intervals that overlap, and people write 10.0.0.0/8 beside 10.1.0.0/16. So what is said twice is said
 * once: of prefixes the widest stay, and of ports those that no wider prefix has already.
 */
import type { KeyPart, SetParts } from '../kernel/set-key.ts';
import { contains, type Family, formatPrefix, network, type Prefix, unspecified } from '../values/address.ts';
import type { EgressEntry, EgressPolicy, PrefixEntry } from '../values/egress.ts';
import { type Protocol, protocols } from '../values/port.ts';
import { joined, without } from '../values/port-ranges.ts';
import type { Datum, SetElement } from '../values/set-element.ts';
import { learnedSets } from './learned.ts';

const families = [4, 6] as const;

/** What a limited network is known by. Where nothing is allowed by name, everything is that is not denied. */
export function egressElements(bridge: string, { allow, deny }: EgressPolicy): readonly SetElement[] {
  const allowed = allow.length === 0 ? families.map(everywhere) : allow;
  return [
    { set: 'limited', key: [ifname(bridge)] },
    ...listElements('denied', bridge, deny),
    ...listElements('allowed', bridge, allowed),
  ];
}

/** The sets that hold a policy, and what is learned by it. */
export const egressSets: Readonly<Record<string, SetParts>> = {
  ...learnedSets,
  limited: { key: [{ type: 'ifname' }] },
  ...Object.fromEntries(
    families.flatMap((family) =>
      ['denied', 'allowed'].flatMap((list): readonly (readonly [string, SetParts])[] => {
        const whom: readonly KeyPart[] = [{ type: 'ifname' }, { type: 'prefix', family }];
        return [
          [`${list}${family}`, { key: whom }],
          [`${list}_ports${family}`, { key: [...whom, { type: 'inet_proto' }, { type: 'ports' }] }],
        ];
      }),
    ),
  ),
};

function everywhere(family: Family): PrefixEntry {
  return { kind: 'prefix', prefix: { address: unspecified(family), length: 0 } };
}

function listElements(list: 'denied' | 'allowed', bridge: string, entries: readonly EgressEntry[]) {
  const addressed = entries.filter((entry): entry is PrefixEntry => entry.kind === 'prefix');
  const whole = addressed.filter(({ ports }) => ports === undefined).map(({ prefix }) => prefix);
  const key = (prefix: Prefix): readonly Datum[] => [ifname(bridge), { type: 'prefix', prefix: network(prefix) }];
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

/** Without those that lie in another one. */
function outermost(prefixes: readonly Prefix[]): readonly Prefix[] {
  const kept: Prefix[] = [];
  for (const prefix of widestFirst(prefixes)) {
    if (!kept.some((other) => contains(other, prefix.address))) kept.push(prefix);
  }
  return kept;
}

function widestFirst(prefixes: readonly Prefix[]): readonly Prefix[] {
  const unique = new Map(prefixes.map((prefix) => [formatPrefix(network(prefix)), prefix]));
  return [...unique.values()].toSorted((a, b) => a.length - b.length);
}

/** Each prefix with its ports, those left out that it has as a part of a wider one. */
function portsByPrefix(entries: readonly PrefixEntry[], protocol: Protocol) {
  const own = entries.flatMap(({ prefix, ports, protocol: only = protocol }) =>
    ports === undefined || only !== protocol ? [] : [{ prefix, ports }],
  );
  return widestFirst(own.map(({ prefix }) => prefix)).flatMap((prefix) => {
    const around = own.filter((other) => contains(other.prefix, prefix.address));
    const wider = around.filter((other) => other.prefix.length < prefix.length);
    const same = around.filter((other) => other.prefix.length === prefix.length);
    const ranges = joined(same.map(({ ports }) => ports));
    return joined(wider.map(({ ports }) => ports))
      .reduce(without, ranges)
      .map((range) => ({ prefix, range }));
  });
}

function ifname(name: string): Datum {
  return { type: 'ifname', name };
}
