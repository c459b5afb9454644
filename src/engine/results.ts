/** What `gangway rules` tells. */
import type { Counts } from '../services/proxy/counters.ts';
import type { Address } from '../values/address.ts';
import type { Counted } from '../values/counted.ts';
import type { PortRange, Protocol } from '../values/port.ts';

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

export type { Counts };

/** What was counted of networks and published ports since each of them was made. */
export interface Traffic {
  readonly networks: readonly NetworkTraffic[];
  /** What the firewall has translated. */
  readonly ports: readonly PortTraffic[];
  /** What a process has carried. */
  readonly relays: readonly RelayTraffic[];
}

/** What leaves and enters a network by this machine; not what siblings say to each other. */
export interface NetworkTraffic {
  readonly id: string;
  readonly name: string;
  readonly in: Counted;
  readonly out: Counted;
}

/** A published port, or a range of them that is one fact, as the firewall has translated it. */
export interface PortTraffic {
  /** Its id. */
  readonly container: string;
  readonly name: string;
  readonly protocol: Protocol;
  readonly hostAddress: Address;
  /** Absent in a routed network, where the container's own port is open. */
  readonly hostPort?: PortRange;
  readonly containerPort: PortRange;
  readonly connections: bigint;
}

/**
 * A socket of the switchboard, or those of ports in a row that lead to the same numbers. What is published on every address of
 * both families has one alone, which is `::`.
 */
export interface RelayTraffic {
  /** Its id. */
  readonly container: string;
  readonly name: string;
  readonly protocol: Protocol;
  readonly hostAddress: Address;
  readonly hostPort: PortRange;
  readonly containerPort: PortRange;
  /** Since this switchboard has served it. */
  readonly counts: Counts;
  /** Connections of programs of the machine that the connect hook has led past it, to the container. */
  readonly led: number;
}

/** Are processes of this machine led past the relays, below which cgroup and to how many ports; and if not, why not. */
export type HookStatus =
  | { readonly state: 'on'; readonly cgroup: string; readonly ports: number }
  | { readonly state: 'off'; readonly reason: string };
