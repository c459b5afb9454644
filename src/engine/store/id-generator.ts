/**
 * Where ids, MAC addresses and names come from: chance, or a seed.
 *
 * They are inputs of a plan and chosen before it. With a seed the same request gives the same plan, so that an
 * explanation can be compared with what it explains.
 */
import { createHash, randomBytes } from 'node:crypto';
import { localMac, type Mac } from '../../values/mac.ts';

export interface Identities {
  /** 64 hexadecimal digits, as Docker's. */
  id(): string;
  mac(): Mac;
  /** A number from 0 to `below` - 1. */
  number(below: number): number;
}

export function identities(seed: string | undefined): Identities {
  const bytes = seed === undefined ? randomBytes : seeded(seed);
  return {
    id: () => bytes(32).toString('hex'),
    mac: () => localMac(bytes(6)),
    number: (below) => bytes(4).readUInt32LE() % below,
  };
}

function seeded(seed: string): (length: number) => Buffer {
  let count = 0;
  return (length) => createHash('sha256').update(`${seed} ${count++}`).digest().subarray(0, length);
}

const manners =
  'able brave brisk calm clear daring eager fair fleet gentle hardy keen kind lively loyal merry neat proud quick quiet ready sharp sound steady stout sunny swift true trusty warm wise young'.split(
    ' ',
  );
const vessels =
  'barge brig canoe caravel carrack catboat clipper coaster cog corvette cutter dhow dinghy dory ferry frigate galleon galley gig jolly junk kayak ketch launch lugger packet pinnace pram schooner skiff sloop yawl'.split(
    ' ',
  );

/** A name for a container that was given none: `steady_clipper`. */
export function inventName(source: Identities, isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${manners[source.number(manners.length)]}_${vessels[source.number(vessels.length)]}`;
    const unique = attempt < 8 ? name : `${name}${source.number(10_000)}`;
    if (!isTaken(unique)) return unique;
  }
}
