/**
 * Steps: the changes of which every plan is made.
 *
 * A step is plain data, at the grain of one command that a person could type. It says where, what and why, and nothing
 * of how: that is its kind's business (`StepKind`), and every reading of a plan asks the kind. Because steps are data
 * they can be printed, stored in a record, written to the journal before they are done, and taken back years later by
 * the same value that made them.
 */
import type { PortDiversion } from '../kernel/port-redirect.ts';
import type { ProcessIdentity } from '../kernel/process.ts';
import type { LocalRoute } from '../kernel/route.ts';
import type { RoutingRule } from '../kernel/routing-rule.ts';
import type { Setting } from '../kernel/sysctl.ts';
import type { Address, Family, Prefix } from '../values/address.ts';
import type { ExecRequest } from '../values/exec.ts';
import type { IptablesRule, Variant } from '../values/iptables-rule.ts';
import type { Launch, SubordinateRange } from '../values/launch.ts';
import type { Protocol } from '../values/port.ts';
import type { SetElement } from '../values/set-element.ts';
import type {
  BridgeStep,
  DummyStep,
  GroupsForwardedStep,
  HairpinStep,
  IpvlanStep,
  IsolatedStep,
  MacvlanStep,
  SegmentsStep,
  UpStep,
  VethStep,
  VlanStep,
} from './link-step.ts';
import type { NamespaceRef, Reasoned } from './namespace-ref.ts';

/** `ip netns add NAME`, or with an owner: born inside a new user namespace, which is pinned beside it. */
export interface NamespaceStep extends Reasoned {
  readonly kind: 'namespace';
  readonly name: string;
  readonly owner?: { readonly pin: string; readonly range: SubordinateRange };
}

/** `ip address add PREFIX dev LINK`. */
export interface AddressStep extends Reasoned {
  readonly kind: 'address';
  readonly in: NamespaceRef;
  readonly link: string;
  readonly prefix: Prefix;
}

/** A default route: by a gateway, or straight out of a link where everybody is a neighbour. */
export interface DefaultRoute {
  readonly family: Family;
  readonly link: string;
  readonly gateway?: Address;
}

/** `ip route add default via GATEWAY dev LINK`, or `ip route replace` of the one that `was`, which comes back by undoing. */
export interface RouteStep extends Reasoned, DefaultRoute {
  readonly kind: 'route';
  readonly in: NamespaceRef;
  readonly was?: Omit<DefaultRoute, 'family'>;
}

/** `ip route add local default dev lo table …`: who is led to this table has arrived. */
export interface LocalRouteStep extends Reasoned, LocalRoute {
  readonly kind: 'local-route';
  readonly in: NamespaceRef;
}

/** `ip rule add …`. */
export interface RoutingRuleStep extends Reasoned {
  readonly kind: 'routing-rule';
  readonly in: NamespaceRef;
  readonly rule: RoutingRule;
}

/** `sysctl -qw KEY=VALUE`; `was` is written back when the step is undone, absent where the namespace's end undoes it. */
export interface SysctlStep extends Reasoned, Setting {
  readonly kind: 'sysctl';
  readonly in: NamespaceRef;
  readonly was?: string;
}

/** A table of nftables. */
interface InTable {
  readonly table: string;
  /** Absent: inet. */
  readonly family?: 'bridge';
}

/** `nft -f -`: loads a whole table of the machine. */
export interface RulesetStep extends Reasoned, InTable {
  readonly kind: 'ruleset';
  readonly in: 'host';
  readonly text: string;
  /** Where the rules of the machine's owner come from, if there are some. */
  readonly owners?: string;
  /** What it has to know already, in the same transaction: rules that know no bridge would let everything pass. */
  readonly facts?: readonly SetElement[];
  /** In the place of the one that is there, in one transaction. It is not taken back: without rules everything is open. */
  readonly replaces?: true;
}

/** `nft -f -`: a table of its own that leads an address's port, UDP and TCP, to another port of the same address. */
export interface DiversionStep extends Reasoned, PortDiversion {
  readonly kind: 'diversion';
  readonly in: NamespaceRef;
  readonly table: string;
}

/** `nft add element inet TABLE SET { … }`, in the place of the one that `was`. At least one of the two is there. */
export interface ElementStep extends Reasoned, InTable {
  readonly kind: 'element';
  readonly in: NamespaceRef;
  readonly element?: SetElement;
  readonly was?: SetElement;
}

/** `iptables-restore`: the chains of one family, with the rules that never change. */
export interface ChainsStep extends Reasoned {
  readonly kind: 'chains';
  readonly in: 'host';
  readonly variant: Variant;
  readonly family: Family;
  /** `kept`: what is in it is the user's, and stays. */
  readonly chains: readonly (Pick<IptablesRule, 'table' | 'chain'> & { readonly kept?: boolean })[];
  /** In the order in which they stand. */
  readonly rules: readonly IptablesRule[];
  /** Likewise, in the words of whoever wrote them; the kernel's may be others. */
  readonly owners?: readonly IptablesRule[];
  /** What has to stand in them already, in the same transaction. */
  readonly facts?: readonly IptablesRule[];
  /** In the place of those that are there. They are not taken back. */
  readonly replaces?: true;
  /** Rules in the kernel's own chains, which lead to ours: before or behind all others. */
  readonly ways: readonly { readonly rule: IptablesRule; readonly at: 'head' | 'tail' }[];
}

/** `iptables -I CHAIN …`, in the place of the one that `was`. At least one of the two is there. */
export interface RuleStep extends Reasoned {
  readonly kind: 'rule';
  readonly in: 'host';
  readonly variant: Variant;
  readonly rule?: IptablesRule;
  readonly was?: IptablesRule;
}

/** A fact that the firewall knows, in whichever back end. */
export type FirewallStep = ElementStep | RuleStep;

/**
 * Deletes the flows of published ports from connection tracking: `conntrack -D --orig-port-dst PORT --reply-src ADDRESS`.
 * `when` names the direction that deletes them, after the rules have changed: the plan is made, or undone.
 */
export interface FlowsStep extends Reasoned {
  readonly kind: 'flows';
  readonly in: NamespaceRef;
  readonly when: 'made' | 'undone';
  readonly ports: readonly FlowPort[];
}

/**
 * Deletes all flows of a container's addresses, and its ARP and NDP entries, when the plan is undone:
 * `conntrack -D -s ADDRESS; conntrack -D --reply-src ADDRESS; ip neighbour flush to ADDRESS dev LINK`.
 */
export interface OwnFlowsStep extends Reasoned {
  readonly kind: 'own-flows';
  readonly in: NamespaceRef;
  readonly link: string;
  readonly addresses: readonly Address[];
}

/** A published port of the host and its target. Without `to`: flows that began before the port was published. */
export interface FlowPort {
  readonly protocol: Protocol;
  readonly address: Address;
  readonly port: number;
  readonly to?: { readonly address: Address; readonly port: number };
}

/** `mkdir`; undone with everything that lies in it. */
export interface DirectoryStep extends Reasoned {
  readonly kind: 'directory';
  readonly path: string;
  readonly mode: number;
  /** Whose group it is. Default that of who makes it. */
  readonly group?: number;
}

/**
 * `cat > PATH`, over what `was` in it. It is written in place: where it is bound over a file of a container, the container
 * sees the change.
 */
export interface FileStep extends Reasoned {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly content: string;
  readonly was?: string;
}

/** `tar -xf ARCHIVE -C PATH`. */
export interface ArchiveStep extends Reasoned {
  readonly kind: 'archive';
  readonly archive: string;
  readonly path: string;
}

/** `crun run`: the container's process in its namespaces and control groups. */
export interface ProcessStep extends Reasoned {
  readonly kind: 'process';
  readonly launch: Launch;
}

/** `flock PATH`: until the world is closed, or its program has ended, somebody else who wants the lock waits. */
export interface ClaimStep extends Reasoned {
  readonly kind: 'claim';
  readonly path: string;
}

/** `kill -s SIGNAL PID`. */
export interface SignalStep extends Reasoned {
  readonly kind: 'signal';
  readonly process: ProcessIdentity;
  /** SIGTERM, or the number of one that has no name. */
  readonly signal: string;
}

/** `timeout SECONDS tail --pid=PID -f /dev/null || kill -s KILL PID`; without patience it waits however long it takes. */
export interface EndedStep extends Reasoned {
  readonly kind: 'ended';
  readonly process: ProcessIdentity;
  readonly patienceSeconds?: number;
}

/** `crun exec`: a further command in a running container, of which nothing stays. */
export interface ExecStep extends Reasoned {
  readonly kind: 'exec';
  readonly launch: Launch;
  /** The container's first process. */
  readonly process: ProcessIdentity;
  readonly request: ExecRequest;
}

export type Step =
  | NamespaceStep
  | BridgeStep
  | VethStep
  | MacvlanStep
  | IpvlanStep
  | VlanStep
  | DummyStep
  | HairpinStep
  | GroupsForwardedStep
  | IsolatedStep
  | SegmentsStep
  | UpStep
  | AddressStep
  | RouteStep
  | LocalRouteStep
  | RoutingRuleStep
  | SysctlStep
  | RulesetStep
  | DiversionStep
  | ElementStep
  | ChainsStep
  | RuleStep
  | FlowsStep
  | OwnFlowsStep
  | DirectoryStep
  | FileStep
  | ArchiveStep
  | ProcessStep
  | ClaimStep
  | SignalStep
  | EndedStep
  | ExecStep;

export type StepOf<K extends Step['kind']> = Extract<Step, { readonly kind: K }>;
