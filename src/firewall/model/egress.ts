/** The model's egress policy: to whom a limited network's containers may begin to speak. */
import { type EgressEntry, entryFor } from '../../values/egress.ts';
import { formatEntry } from '../../values/egress-grammar.ts';
import { type Dropped, dropped } from './answer.ts';
import type { Packet } from './packet.ts';
import type { ModelNetwork } from './topology.ts';

/** As many entries as are told before it is said how many there are. */
const told = 5;

/**
 * @param learned what is allowed besides, since a name server has told of it
 * @returns undefined where it may speak: who is denied is so under both addresses, who is allowed under the one that was
 *   asked for
 */
export function egressRefusal(
  { name, policy: { egress } }: ModelNetwork,
  packet: Packet,
  learned: readonly EgressEntry[] = [],
): Dropped | undefined {
  if (egress === undefined) return undefined;
  const real = { address: packet.to, port: packet.port };
  const { asked = real, way } = packet;
  const denied = entryFor(egress.deny, asked) ?? entryFor(egress.deny, real);
  if (denied !== undefined) {
    return dropped('egress', `network ${name} lets nothing out to ${formatEntry(denied)}`, way);
  }
  if (egress.allow.length === 0 || entryFor([...egress.allow, ...learned], asked) !== undefined) return undefined;
  const named = egress.allow.some(({ kind }) => kind === 'name') ? ', as far as its names have been asked for' : '';
  return dropped('egress', `network ${name} lets out only to ${formatList(egress.allow)}${named}`, way);
}

/** What a process carries on to somebody else is nobody's of a limited network. */
export function proxyRefusal({ name, policy: { egress } }: ModelNetwork, { way }: Packet): Dropped | undefined {
  if (egress === undefined) return undefined;
  const sentence = `network ${name} has an egress policy, and does not reach what a process of the machine carries on to somebody else`;
  return dropped('egress', sentence, way);
}

function formatList(entries: readonly EgressEntry[]): string {
  const more = entries.length - told;
  const some = entries.slice(0, told).map(formatEntry).join(', ');
  return more > 0 ? `${some} and ${more} more` : some;
}
