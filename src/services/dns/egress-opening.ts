/**
 * What an answer opens: the addresses that it has for a name to which an egress policy lets its network speak.
 *
 * An address may be believed as long as the answer says, and so long it is open: within bounds, since a program may take its
 * time with an answer that holds for none, and nobody is to be open for a week. The last half minute is for who begins at
 * the last moment. An answer that says more than the bound is cut to it, so that nobody believes it longer than it holds.
 *
 * Whoever owns a name can give it any address. So only those of the world count: what is behind the machine is allowed by
 * its address, or not at all. Where the answer leads from name to name, one that is denied denies it.
 */

import { type Address, isOfTheWorld } from '../../values/address.ts';
import { entriesNamed, isDenied } from '../../values/egress.ts';
import type { AnswerAddresses } from './answer-addresses.ts';
import type { EgressNetwork, Zone } from './zone.ts';

const bounds = { least: 30, most: 3600, late: 30 } as const;

/** What is open from now on, of one network. */
export interface EgressOpening {
  readonly exit: EgressNetwork;
  readonly name: string;
  readonly addresses: readonly { readonly address: Address; readonly seconds: number }[];
}

/** Opens before it returns, or before what it returns is settled: undefined where nothing had to be waited for. */
export type OpenEgress = (openings: readonly EgressOpening[]) => Promise<void> | undefined;

/** @param told what the answer to a question for its first name says */
export function egressOpeningsFor(
  { egressNetworks: exits }: Zone,
  { names, addresses }: AnswerAddresses,
): readonly EgressOpening[] {
  const [name = ''] = names;
  const allowing = exits.filter(({ egress }) => {
    if (egress === undefined || names.some((each) => isDenied(egress, each))) return false;
    return entriesNamed(egress, name).length > 0;
  });
  // A policy that tells addresses alone, or what is denied, opens nothing.
  if (allowing.length === 0) return [];
  const found = addresses
    .filter(({ address }) => isOfTheWorld(address))
    .map(({ address, seconds }) => ({
      address,
      seconds: Math.min(Math.max(seconds, bounds.least), bounds.most) + bounds.late,
    }));
  return found.length === 0 ? [] : allowing.map((exit) => ({ exit, name, addresses: found }));
}

/** Does the answer lead to a name that may not be asked for, by any way out? */
export function isDeniedAnswer({ egressNetworks: exits }: Zone, { names }: AnswerAddresses): boolean {
  return (
    exits.length > 0 &&
    exits.every(({ egress }) => egress !== undefined && names.some((name) => isDenied(egress, name)))
  );
}

/** The answer, in which nothing may be believed longer than it is open. */
export function capTtls(answer: Buffer, { addresses }: AnswerAddresses): Buffer {
  if (addresses.every(({ seconds }) => seconds <= bounds.most)) return answer;
  const copy = Buffer.from(answer);
  for (const { ttlOffset: ttl, seconds } of addresses) copy.writeUInt32BE(Math.min(seconds, bounds.most), ttl);
  return copy;
}
