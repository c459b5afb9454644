/**
 * An egress policy as elements: what a limited network's containers may begin, and what not.
 *
 * The kernel refuses intervals that overlap, and people write 10.0.0.0/8 beside 10.1.0.0/16. So what is said twice is said
 * once: of prefixes the widest stay, and of ports those that no wider prefix has already.
 */
import type { KeyPart, SetParts } from '../kernel/set-key.ts';
import type { FirewallStep } from '../plan/step.ts';
import {
  type Address,
  contains,
  type Family,
  formatPrefix,
  network,
  type Prefix,
  unspecified,
} from '../values/address.ts';
import { type EgressEntry, type EgressPolicy, entriesNamed, type PrefixEntry } from '../values/egress.ts';
import type { PortRange, Protocol } from '../values/port.ts';
import type { Datum, SetElement } from '../values/set-element.ts';

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

/** An address that an answer has for a name. */
export interface Learned {
  readonly name: string;
  readonly address: Address;
  readonly seconds: number;
}

/**
 * What the answer to a question for an allowed name opens, for a while.
 *
 * Two names may have one address, and entries for them ports that overlap. So ports are cut where any entry for a name begins
 * or ends, and what several of them open is the same elements.
 */
export function learnedElements(bridge: string, policy: EgressPolicy, learned: Learned): readonly SetElement[] {
  const { address, seconds } = learned;
  const { family } = address;
  const entries = entriesNamed(policy, learned.name);
  const key = [ifname(bridge), { type: 'address', address }] as const;
  if (entries.some(({ ports }) => ports === undefined)) {
    return [{ set: `learned${family}`, key, timeoutSeconds: seconds }];
  }
  const cuts = policy.allow.flatMap(({ kind, ports }) => (kind === 'prefix' || ports === undefined ? [] : [ports]));
  return (['tcp', 'udp'] as const).flatMap((protocol) => {
    const open = joined(
      entries.flatMap(({ ports, protocol: only = protocol }) =>
        ports === undefined || only !== protocol ? [] : [ports],
      ),
    );
    return pieces(open, cuts).map((range): SetElement => {
      const at = [
        { type: 'inet_proto', protocol },
        { type: 'ports', ...range },
      ] as const;
      return { set: `learned_ports${family}`, key: [...key, ...at], timeoutSeconds: seconds };
    });
  });
}

/** Ranges, cut before and behind each of others. */
function pieces(ranges: readonly PortRange[], cuts: readonly PortRange[]): readonly PortRange[] {
  const edges = [...new Set(cuts.flatMap(({ first, last }) => [first, last + 1]))].toSorted((a, b) => a - b);
  return ranges.flatMap(({ first, last }) => {
    const starts = [first, ...edges.filter((edge) => first < edge && edge <= last)];
    return starts.map((start, index) => ({ first: start, last: (starts[index + 1] ?? last + 1) - 1 }));
  });
}

/** The sets of what is learned. Nobody's records hold it: the switchboard brings it in, and it goes by itself. */
export const learnedSets: Readonly<Record<string, SetParts>> = Object.fromEntries(
  families.flatMap((family): readonly (readonly [string, SetParts])[] => {
    const whom: readonly KeyPart[] = [{ type: 'ifname' }, { type: 'address', family }];
    return [
      [`learned${family}`, { key: whom }],
      [`learned_ports${family}`, { key: [...whom, { type: 'inet_proto' }, { type: 'ports' }] }],
    ];
  }),
);

/** Is it something that was learned? */
export function isLearned(step: FirewallStep): boolean {
  if (step.kind === 'rule') return step.rule?.chain === 'GANGWAY-LEARNED';
  return learnedSets[step.element?.set ?? ''] !== undefined;
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
    ...(['tcp', 'udp'] as const).flatMap((protocol) =>
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

/** Neighbours and what overlaps as one, in order. */
function joined(ranges: readonly PortRange[]): readonly PortRange[] {
  const found: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = found.at(-1);
    if (before === undefined || before.last + 1 < range.first) found.push(range);
    else found.splice(-1, 1, { first: before.first, last: Math.max(before.last, range.last) });
  }
  return found;
}

function without(ranges: readonly PortRange[], { first, last }: PortRange): readonly PortRange[] {
  return ranges.flatMap((range) =>
    [
      { first: range.first, last: Math.min(range.last, first - 1) },
      { first: Math.max(range.first, last + 1), last: range.last },
    ].filter((rest) => rest.first <= rest.last),
  );
}

function ifname(name: string): Datum {
  return { type: 'ifname', name };
}
