/**
 * The engine's contract: everything that gangway does, as a library.
 *
 * The command line is one caller of this interface, and has no way around it.
 */

import type { BackendName } from '../firewall/backend.ts';
import type { Answer } from '../firewall/model/answer.ts';
import type { Watch } from '../kernel/netlink-monitor.ts';
import type { Plan } from '../plan/step.ts';
import type { Explanation } from '../services/dns/explain.ts';
import type { AnswerText, QuestionType } from '../services/dns/packet-text.ts';
import type { Occupancy } from '../services/ipam-usage.ts';
import type { Ending, Streams } from '../services/process/attach.ts';
import type { LogOptions } from '../services/process/log.ts';
import type { LogLine } from '../services/process/log-line.ts';
import type { Usage } from '../services/process/statistics.ts';
import type { Address, Family, Prefix } from '../values/address.ts';
import type { IntroducedPorts } from '../values/client-address.ts';
import type { ContainerRequest } from '../values/container.ts';
import type { DestinationProtocol } from '../values/destination-grammar.ts';
import type { EgressPolicy } from '../values/egress.ts';
import type { EngineEvent } from '../values/event.ts';
import type { ExecRequest } from '../values/exec.ts';
import type { Mac } from '../values/mac.ts';
import type { ConnectionRequest, NetworkRequest, Subnet } from '../values/network.ts';
import type { Port, PortBinding, PublishedPort } from '../values/port.ts';
import type { RulesAt, Traffic } from './results.ts';

export type * from './results.ts';
export type { Ending, ExecRequest, LogLine, LogOptions, QuestionType, Streams };

/** Where gangway keeps things, and what it tells while it works. */
export interface EngineOptions {
  /** Records that outlive a boot. Default `/var/lib/gangway`. */
  readonly stateDirectory?: string;
  /** Sockets, locks, bundles. Default `/run/gangway`. */
  readonly runtimeDirectory?: string;
  /** What carries out the policy. Default: what is loaded; else nftables, or iptables where nft is missing. */
  readonly firewall?: BackendName;
  /** Called with every plan before it is applied. */
  readonly onPlan?: (plan: Plan) => void;
  /** Makes plans, hands them to `onPlan`, and changes nothing. Default false. */
  readonly dryRun?: boolean;
  /** Ids, MACs, names and ephemeral ports are made from this text and not at random, so that two runs can be compared. */
  readonly seed?: string;
  /** Warnings that are no errors: `published ports are discarded when using host network mode`. */
  readonly onWarning?: (sentence: string) => void;
}

export type ContainerState = 'created' | 'running' | 'restarting' | 'removing' | 'exited';

/** One line of `gangway ps`. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly state: ContainerState;
  /** As docker says it: `Up 3 seconds`, `Exited (0) 2 minutes ago`, `Exited (unknown) …` after its monitor was killed. */
  readonly status: string;
  readonly createdAt: Date;
  /** In the order of its links; none for one that lives in another's stack. `id` is missing where the network was removed. */
  readonly networks: readonly { readonly name: string; readonly id?: string }[];
  readonly ports: readonly PortBinding[];
  /** Exposed and not published. */
  readonly exposed: readonly Port[];
}

export interface NetworkSummary {
  readonly id: string;
  readonly name: string;
  readonly driver: 'bridge' | 'macvlan' | 'ipvlan' | 'host' | 'null';
  readonly scope: 'local';
  readonly createdAt: Date;
  readonly families: readonly Family[];
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** No running container is plugged in. */
  readonly dangling: boolean;
}

/** What `pruneNetworks` has done. */
export interface PrunedNetworks {
  /** Names. */
  readonly removed: readonly string[];
  /** Why others could not be removed. */
  readonly failures: readonly unknown[];
}

export interface NetworkInspection extends NetworkSummary {
  readonly subnets: readonly Subnet[];
  /** How full each of them is, in their order. */
  readonly occupancies: readonly Occupancy[];
  readonly egress?: EgressPolicy;
  readonly attachable: boolean;
  /** Docker's names. */
  readonly options: Readonly<Record<string, string>>;
  readonly containers: readonly {
    readonly id: string;
    readonly name: string;
    readonly endpointId: string;
    /** Absent on `host` and `none`, which have no endpoints. */
    readonly mac?: Mac;
    readonly addresses: readonly Prefix[];
  }[];
}

/** Docker's field names, so that what reads `docker inspect` reads this: plain JSON data. */
export type ContainerInspection = Readonly<Record<string, unknown>>;

/** What `gangway stats` shows. */
export interface Statistics extends Usage {
  readonly id: string;
  readonly name: string;
}

/** What a container's programs are told of a name. */
export interface NameAnswer extends AnswerText {
  /** As it was asked: of an address, the name for the way back. */
  readonly name: string;
  readonly type: QuestionType;
  readonly by: Explanation['by'];
  /** A sentence. */
  readonly why: string;
}

/** Who is to reach whom. */
export interface ReachQuestion {
  /** A container, `host`, `outside`, or an address of somebody outside. */
  readonly from: string;
  /** A container, `host`, or an address. */
  readonly to: string;
  /** Absent: of a container all that can be asked, of an address a ping. */
  readonly port?: number;
  /** With a port all but `icmp`. */
  readonly protocol?: DestinationProtocol;
  /** What a rule of this machine marks the packet with. */
  readonly mark?: number;
  /** Send real packets, too. Default false. */
  readonly probe?: boolean;
}

/** One way to ask, and what becomes of it. */
export interface ReachWay {
  readonly address: Address;
  /** Absent: a ping. `any`: the ports that are not published, all alike. */
  readonly port?: Port | 'any';
  readonly answer: Answer;
  /** What became of a real packet, where one was sent. */
  readonly proof?: Proof;
}

export interface Proof {
  /** `refused`: nobody listens there, but the packet was there. */
  readonly outcome: 'arrived' | 'refused' | 'unreachable' | 'silent';
  /** With the answer. `unknown`: what came back, or that nothing did, proves nothing in this case. */
  readonly agrees: 'yes' | 'no' | 'unknown';
}

/** One thing that `gangway gc` took away, and why nobody owned it. */
export interface Removed {
  readonly what: string;
  readonly why: string;
}

/** Which events. Values of one key are alternatives, keys must all hold. */
export interface EventFilters {
  readonly types?: readonly EngineEvent['type'][];
  readonly actions?: readonly string[];
  /** Of containers, by name, id, or the beginning of either. */
  readonly containers?: readonly string[];
  /** Of networks, likewise. */
  readonly networks?: readonly string[];
}

/** Without a time, from now on. */
export interface EventOptions {
  /** What has happened from this moment on, as far as it is remembered. */
  readonly since?: Date;
  /** The end; if it is past, so are the events. */
  readonly until?: Date;
  readonly filters?: EventFilters;
  /** Ends it as well. */
  readonly signal?: AbortSignal;
}

/** How a container that `run` starts is met. */
export interface RunOptions {
  /** Attached from the first byte, until the container ends or the person leaves. Absent: in the background. */
  readonly streams?: Streams;
  /** Called as soon as the container has an id, before it is started. */
  readonly onCreated?: (id: string) => void;
}

export interface Engine {
  create(request: ContainerRequest): Promise<string>;
  /** Creates and starts in one change: if it can't be started, there is no container. */
  run(request: ContainerRequest, options?: RunOptions): Promise<{ readonly id: string; readonly ending?: Ending }>;
  /** Starts a created or exited container. With `streams` it waits for the end, attached from the first byte. */
  start(name: string, streams?: Streams): Promise<Ending | undefined>;
  stop(name: string, options?: { readonly timeoutSeconds?: number; readonly signal?: string }): Promise<void>;
  kill(name: string, signal?: string): Promise<void>;
  restart(name: string, options?: { readonly timeoutSeconds?: number }): Promise<void>;
  /** The exit code, as soon as the container has ended. */
  wait(name: string): Promise<number>;
  remove(name: string, options?: { readonly force?: boolean }): Promise<void>;
  list(options?: { readonly all?: boolean }): Promise<readonly ContainerSummary[]>;
  inspect(name: string): Promise<ContainerInspection>;
  ports(name: string): Promise<readonly PortBinding[]>;
  /**
   * Publishes ports of a container that is there already, all of them or none; those of one that does not run when it starts.
   *
   * @param introduced ports of the container whose clients are introduced from now on
   * @returns what was bound
   */
  publish(name: string, ports: readonly PublishedPort[], introduced?: IntroducedPorts): Promise<readonly PortBinding[]>;
  /** Takes published ports back, all of them or none. What a port leaves out (host address, host port) may be any. */
  unpublish(name: string, ports: readonly PublishedPort[]): Promise<void>;
  statistics(name: string): Promise<Statistics>;
  logs(name: string, options: LogOptions): AsyncIterable<LogLine>;
  exec(name: string, request: ExecRequest, streams?: Streams): Promise<number>;
  attach(name: string, streams: Streams, options?: { readonly stdin?: boolean }): Promise<Ending>;
  /** Makes a network. @returns its id */
  createNetwork(request: NetworkRequest): Promise<string>;
  /** Removes one that nobody is plugged into. @returns its name */
  removeNetwork(name: string): Promise<string>;
  /** Removes every network of one's own that no running container uses, of those that are `wanted`: all of them, unless said. */
  pruneNetworks(wanted?: (network: NetworkSummary) => boolean): Promise<PrunedNetworks>;
  /** Plugs a container in; one that runs at once, another when it starts. */
  connect(container: string, connection: ConnectionRequest): Promise<void>;
  /** Unplugs it. With `force` it is no mistake if it was not plugged in. */
  disconnect(container: string, network: string, options?: { readonly force?: boolean }): Promise<void>;
  listNetworks(): Promise<readonly NetworkSummary[]>;
  inspectNetwork(name: string): Promise<NetworkInspection>;
  /** What a container's programs are told of a name, or of an address, and why. */
  queryName(container: string, name: string, options?: { readonly type?: QuestionType }): Promise<NameAnswer>;
  /** Who reaches whom, by which address and port, under which source address, and why not. */
  reach(question: ReachQuestion): Promise<readonly ReachWay[]>;
  /** What the firewall was told, why, and whether the kernel has it: of a network, a container, a published port, or all. */
  rules(subject?: string): Promise<readonly RulesAt[]>;
  /** What the firewall and the relays have counted of networks and published ports. */
  traffic(): Promise<Traffic>;
  collectGarbage(): Promise<readonly Removed[]>;
  /**
   * Links, addresses, routes and flows of the machine or of a container, as the kernel tells of them. Ends with the
   * container.
   */
  watch(name?: string): Promise<Watch>;
  /** What gangway does to containers and networks, whoever asks it to: from the call on, or since a moment. */
  events(options?: EventOptions): AsyncIterable<EngineEvent>;
  /**
   * Lets go of the descriptors that it holds, four at most, while nothing that was asked of it is under way. Whoever asks it
   * again opens them again.
   */
  close(): void;
}
