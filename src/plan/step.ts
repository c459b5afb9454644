/**
 * Steps and plans.
 *
 *      observe the kernel and the records  ->  plan (pure)  ->  apply
 *
 * A step is plain data, the size of one command that a person could type: where, what and why. Its step kind (kind.ts)
 * knows how. So the same steps can be applied, printed as a script, stored in a record, written to the journal,
 * verified, and undone years later.
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
import type { LinkStep, NamespaceRef, Reasoned } from './link-step.ts';

/** `ip netns add NAME`. With an owner, it is created inside a new user namespace, which is pinned too. */
export interface NamespaceStep extends Reasoned {
  readonly kind: 'namespace';
  readonly name: string;
  readonly owner?: { readonly pin: string; readonly range: SubordinateRange };
}

/** `ip address add PREFIX dev LINK` */
export interface AddressStep extends Reasoned {
  readonly kind: 'address';
  readonly in: NamespaceRef;
  readonly link: string;
  readonly prefix: Prefix;
}

/** A default route, through a gateway or directly on a link. */
export interface DefaultRoute {
  readonly family: Family;
  readonly link: string;
  readonly gateway?: Address;
}

/** `ip route add default via GATEWAY dev LINK`, or `ip route replace` of the route `was`, which undo restores. */
export interface RouteStep extends Reasoned, DefaultRoute {
  readonly kind: 'route';
  readonly in: NamespaceRef;
  readonly was?: Omit<DefaultRoute, 'family'>;
}

/** `ip route add local default dev lo table …`: packets routed by this table are delivered to the host. */
export interface LocalRouteStep extends Reasoned, LocalRoute {
  readonly kind: 'local-route';
  readonly in: NamespaceRef;
}

/** `ip rule add …` */
export interface RoutingRuleStep extends Reasoned {
  readonly kind: 'routing-rule';
  readonly in: NamespaceRef;
  readonly rule: RoutingRule;
}

/** `sysctl -qw KEY=VALUE`; undo writes `was`, which is absent where the end of the namespace suffices. */
export interface SysctlStep extends Reasoned, Setting {
  readonly kind: 'sysctl';
  readonly in: NamespaceRef;
  readonly was?: string;
}

interface InTable {
  readonly table: string;
  /** Absent: inet. */
  readonly family?: 'bridge';
}

/** `nft -f -`: loads a whole table. */
export interface RulesetStep extends Reasoned, InTable {
  readonly kind: 'ruleset';
  readonly in: 'host';
  readonly text: string;
  /** The file of the user's rules, if it has any. */
  readonly owners?: string;
  /** Elements of the same transaction: without them, the rules would accept everything. */
  readonly facts?: readonly SetElement[];
  /** Replaces the existing table in one transaction. It is not undone, since no rules means no protection. */
  readonly replaces?: true;
}

/** `nft -f -`: a table that redirects a port of an address, UDP and TCP, to another port of that address. */
export interface DiversionStep extends Reasoned, PortDiversion {
  readonly kind: 'diversion';
  readonly in: NamespaceRef;
  readonly table: string;
}

/** `nft add element inet TABLE SET { … }`, replacing `was`. At least one of the two is present. */
export interface ElementStep extends Reasoned, InTable {
  readonly kind: 'element';
  readonly in: NamespaceRef;
  readonly element?: SetElement;
  readonly was?: SetElement;
}

/** `iptables-restore`: the chains of one family and their constant rules. */
export interface ChainsStep extends Reasoned {
  readonly kind: 'chains';
  readonly in: 'host';
  readonly variant: Variant;
  readonly family: Family;
  /** `kept`: the chain's rules are the user's, and stay. */
  readonly chains: readonly (Pick<IptablesRule, 'table' | 'chain'> & { readonly kept?: boolean })[];
  /** In their order. */
  readonly rules: readonly IptablesRule[];
  /** The user's rules, as typed; the kernel may print them differently. */
  readonly owners?: readonly IptablesRule[];
  /** Rules of facts in the same transaction. */
  readonly facts?: readonly IptablesRule[];
  /** Replaces the existing chains; not undone. */
  readonly replaces?: true;
  /** Jumps from the kernel's own chains to gangway's: before or after all other rules. */
  readonly ways: readonly { readonly rule: IptablesRule; readonly at: 'head' | 'tail' }[];
}

/** `iptables -I CHAIN …`, replacing `was`. At least one of the two is present. */
export interface RuleStep extends Reasoned {
  readonly kind: 'rule';
  readonly in: 'host';
  readonly variant: Variant;
  readonly rule?: IptablesRule;
  readonly was?: IptablesRule;
}

/** A fact of the firewall, in either back end. */
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

/** `mkdir`; undo removes the directory with its content. */
export interface DirectoryStep extends Reasoned {
  readonly kind: 'directory';
  readonly path: string;
  readonly mode: number;
  /** Owning group. Default: the creator's. */
  readonly group?: number;
}

/**
 * `cat > PATH`, over the content `was`. Written in place, so that a container with a bind mount of the file sees the
 * change.
 */
export interface FileStep extends Reasoned {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly content: string;
  readonly was?: string;
}

/** `tar -xf ARCHIVE -C PATH` */
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

/** `flock PATH`: other programs wait for the lock until the kernel handles are closed or the process exits. */
export interface ClaimStep extends Reasoned {
  readonly kind: 'claim';
  readonly path: string;
}

/** `kill -s SIGNAL PID` */
export interface SignalStep extends Reasoned {
  readonly kind: 'signal';
  readonly process: ProcessIdentity;
  /** A name (SIGTERM) or a number. */
  readonly signal: string;
}

/**
 * `timeout SECONDS tail --pid=PID -f /dev/null || kill -s KILL PID`; without `patienceSeconds` it waits without limit.
 */
export interface EndedStep extends Reasoned {
  readonly kind: 'ended';
  readonly process: ProcessIdentity;
  readonly patienceSeconds?: number;
}

/** `crun exec`: another command in a running container. */
export interface ExecStep extends Reasoned {
  readonly kind: 'exec';
  readonly launch: Launch;
  /** The container's first process. */
  readonly process: ProcessIdentity;
  readonly request: ExecRequest;
}

export type Step =
  | NamespaceStep
  | LinkStep
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

export interface Plan {
  /** The requested command: `run web`. */
  readonly subject: string;
  /** `make` applies the steps in order; `unmake` undoes them, last one first. */
  readonly direction: 'make' | 'unmake';
  readonly steps: readonly Step[];
  /** Sentences about effects that are not steps, for the explanation. */
  readonly remarks?: readonly string[];
}
