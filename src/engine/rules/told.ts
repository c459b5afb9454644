/** What `gangway rules` tells. */
import type { Counted } from '../../values/counted.ts';

/** `missing`: the records say it, and the kernel hasn't got it. `unexplained`: the kernel has it, and no record says why. */
export type RuleState = 'present' | 'missing' | 'unexplained';

/** One element of a set, or one rule: what came with a network, a container or a port, and goes with it. */
export interface FirewallRule {
  readonly state: RuleState;
  /** A sentence. */
  readonly why: string;
  /** What makes it, as `explain` prints it: `nft 'add element inet gangway ports4 { … }'`. */
  readonly command: string;
  /** The gangway command that it comes from: `network create front`. Absent where none is known. */
  readonly from?: string;
  /** Where the kernel counts. */
  readonly counted?: Counted;
}

/** A place on a packet's way: the chains that never change, and what they are asked about. */
export interface RulesAt {
  /** Of the kernel: `prerouting`. */
  readonly hook: string;
  readonly chains: readonly string[];
  /** What is decided there. */
  readonly why: string;
  /** Of the chains themselves. */
  readonly state: RuleState;
  readonly rules: readonly FirewallRule[];
}
