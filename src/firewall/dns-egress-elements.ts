/** What the answer for a name opens to a limited network, as elements; and back from what the kernel has of it. */
import type { KeyPart, SetParts } from '../kernel/set-key.ts';
import type { FirewallStep } from '../plan/step.ts';
import { type Address, families, hostPrefix, parsePrefix } from '../values/address.ts';
import { type EgressPolicy, entriesNamed, type PrefixEntry } from '../values/egress.ts';
import { type Protocol, protocols } from '../values/port.ts';
import { joined, pieces } from '../values/port-ranges.ts';
import type { Datum, SetElement } from '../values/set-element.ts';

/** An address that an answer has for a name. */
export interface LearnedAddress {
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
export function learnedElements(bridge: string, policy: EgressPolicy, learned: LearnedAddress): readonly SetElement[] {
  const { address, seconds } = learned;
  const { family } = address;
  const entries = entriesNamed(policy, learned.name);
  const key = [
    { type: 'ifname', name: bridge },
    { type: 'address', address },
  ] as const;
  if (entries.some(({ ports }) => ports === undefined)) {
    return [{ set: `learned${family}`, key, timeoutSeconds: seconds }];
  }
  const cuts = policy.allow.flatMap(({ kind, ports }) => (kind === 'prefix' || ports === undefined ? [] : [ports]));
  return protocols.flatMap((protocol) => {
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
export function isLearnedStep(step: FirewallStep): boolean {
  if (step.kind === 'rule') return step.rule?.chain === 'GANGWAY-LEARNED';
  return learnedSets[step.element?.set ?? ''] !== undefined;
}

/** What was learned, and on which link: of a step that `isLearnedStep`. */
export function learnedEntry(step: FirewallStep): { readonly link: string; readonly entry: PrefixEntry } {
  return step.kind === 'rule' ? learnedInWords(step.rule?.words ?? []) : learnedInKey(step.element?.key ?? []);
}

function learnedInKey([link, whom, protocol, ports]: readonly Datum[]) {
  if (link?.type !== 'ifname' || whom?.type !== 'address') throw new TypeError('nothing was learned');
  const prefix = hostPrefix(whom.address);
  const at =
    protocol?.type === 'inet_proto' && ports?.type === 'ports'
      ? { protocol: protocol.protocol, ports: { first: ports.first, last: ports.last } }
      : {};
  return { link: link.name, entry: { kind: 'prefix', prefix, ...at } as const };
}

function learnedInWords(words: readonly string[]) {
  const after = (word: string) => words[words.indexOf(word) + 1] ?? '';
  const [first = '', last = first] = after('--dport').split(':');
  const at = words.includes('--dport')
    ? { protocol: after('-p') as Protocol, ports: { first: Number(first), last: Number(last) } }
    : {};
  return { link: after('-i'), entry: { kind: 'prefix', prefix: parsePrefix(after('-d')), ...at } as const };
}
