/**
 * A record: what gangway knows of one container, of one network, and of what all of them share.
 *
 * A record holds the very steps that made its object, so that what is taken away is what was made. Where records are
 * kept, and how they change, is for records.ts.
 */
import type { BackendName } from '../../firewall/backend.ts';
import type { ProcessIdentity } from '../../kernel/process.ts';
import type { Endpoint } from '../../networks/bridge.ts';
import type { Network } from '../../networks/network.ts';
import { withConntrackCleanup, withHostPort } from '../../networks/port-mapping.ts';
import type { ElementStep, FirewallStep, RouteStep, Step } from '../../plan/step.ts';
import type { Address } from '../../values/address.ts';
import type { ContainerRequest } from '../../values/container.ts';
import { type ForwardSet, spread } from '../../values/forward-set.ts';
import type { Launch } from '../../values/launch.ts';
import type { ConnectionRequest, NetworkMode, NetworkRequest } from '../../values/network.ts';
import type { PortBinding } from '../../values/port.ts';
import type { ResolverSettings } from '../../values/resolver.ts';

export interface ContainerRecord {
  readonly id: string;
  readonly name: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly hostname: string;
  readonly request: ContainerRequest;
  /** Where its network stack comes from: as it was asked for, and as `network connect` and `disconnect` have changed it. */
  readonly network: NetworkMode;
  /** Somebody stopped it: the restart policy has no say. */
  readonly stopped: boolean;
  /**
   * Whose `restart` ends it, and is about to start it: while that process lives, nobody else does, nor removes it. Its next life
   * clears it; one that was killed leaves it, and then it means nothing.
   */
  readonly restartedBy?: ProcessIdentity;
  /** How often its policy has started it again. */
  readonly restarts: number;
  /** How often since a life that lasted. Older records don't say: then all of them. */
  readonly restartsInARow?: number;
  /** Why the restart policy could not start it again. */
  readonly failure?: string;
  readonly lastEnd?: LastExit;
  /** What was made with the container itself: its directory, its unpacked archive. */
  readonly steps: readonly Step[];
  /** While it runs, and until what it left has been taken away. */
  readonly life?: Run;
}

export interface LastExit {
  /** `unknown` where the container's monitor was killed, or the machine. */
  readonly exitCode: number | 'unknown';
  readonly outOfMemory: boolean;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** The id of the boot in which it lived. Older records don't say. */
  readonly boot?: string;
  /** The exit command, which starts it again after a while, if its policy says so and that process lives. */
  readonly waiter?: ProcessIdentity;
  /** What it had in its networks: it gets them again as long as nobody else has them. */
  readonly addresses?: readonly HeldAddress[];
}

export interface HeldAddress {
  readonly networkId: string;
  readonly address: Address;
}

/** One run of a container: everything that exists for it now, and how to take it away. */
export interface Run {
  /** The boot in which it began. In another one the kernel has forgotten all of it. */
  readonly boot: string;
  readonly startedAt: string;
  readonly launch: Launch;
  /** The pin of its network namespace; that of another container where it has joined one. */
  readonly namespace?: string;
  /** The container whose stack it has joined. */
  readonly joined?: string;
  /** When the life of that one began, which is how it is known again. Older records don't say. */
  readonly joinedLife?: string;
  /** The namespace itself. */
  readonly sandbox: readonly Step[];
  /** Since it is, or was, in a user-defined network: it has a name server at 127.0.0.11. */
  readonly names?: NameServerRecord;
  /** In the order in which they were plugged in. */
  readonly plugs: readonly EndpointRecord[];
  /** What the port guard knows of all of them. Absent in records of before there was one. */
  readonly guard?: readonly ElementStep[];
  /** The default routes, at most one a family. */
  readonly routes: readonly RouteStep[];
  readonly forwards: readonly ForwardSet[];
  readonly published: readonly FirewallStep[];
  /** Its files as they were made, whatever who lives in it has written to them since, and its process. */
  readonly rest: readonly Step[];
}

/** What a container's name server needs besides the networks. */
export interface NameServerRecord {
  /** What leads questions to it. */
  readonly steps: readonly Step[];
  /** Whom it asks itself, as it stands in the container's resolv.conf. */
  readonly resolver: ResolverSettings;
}

/** A container's connection to a network, while it lives. */
export interface EndpointRecord {
  readonly networkId: string;
  readonly request: ConnectionRequest;
  readonly endpoint: Endpoint;
  readonly steps: readonly Step[];
}

/** By id, name, or the beginning of an id, in this order: several where as many ids begin so. */
export function matchReferences<T extends { readonly id: string }>(
  all: readonly T[],
  nameOf: (one: T) => string,
  reference: string,
): readonly T[] {
  const exact = all.find(({ id }) => id === reference) ?? all.find((one) => nameOf(one) === reference);
  if (exact !== undefined) return [exact];
  return reference === '' ? [] : all.filter(({ id }) => id.startsWith(reference));
}

/** A container with a life in this boot. */
export interface RunningContainer extends ContainerRecord {
  readonly life: Run;
}

/**
 * Has it a life in this boot? Of one that began in another boot the kernel has forgotten everything: its ports and its
 * addresses are free, and it is plugged in nowhere.
 */
export function hasRun(record: ContainerRecord, boot: string): record is RunningContainer {
  return record.life?.boot === boot;
}

export function containersWithRun(containers: readonly ContainerRecord[], boot: string): readonly RunningContainer[] {
  return containers.filter((record) => hasRun(record, boot));
}

/** All that was done for a life, in order. */
export function stepsOf({ sandbox, guard, names, plugs, routes, forwards, published, rest }: Run): readonly Step[] {
  return [
    ...sandbox,
    ...(guard ?? []),
    ...(names?.steps ?? []),
    ...plugs.flatMap(({ steps }) => steps),
    ...routes,
    ...withConntrackCleanup(published, spread(forwards)),
    ...rest,
  ];
}

/** Does somebody have to stay for this container, in this boot: for its published ports, or its name server? */
export function isServed(record: ContainerRecord, boot: string): boolean {
  return hasRun(record, boot) && (record.life.forwards.length > 0 || record.life.names !== undefined);
}

/** Every published port, also those that are only opened in a routed network. */
export function bindingsOf({ forwards }: Run): readonly PortBinding[] {
  return spread(forwards).map(({ binding }) => binding);
}

/** Those that hold a port of the machine. */
export function heldBindingsOf({ forwards }: Run): readonly PortBinding[] {
  return spread(withHostPort(forwards)).map(({ binding }) => binding);
}

export interface NetworkRecord {
  readonly id: string;
  readonly createdAt: string;
  /** Absent for the default bridge, which nobody asked for. */
  readonly request?: NetworkRequest;
  readonly network: Network;
  readonly made?: { readonly boot: string; readonly steps: readonly Step[] };
}

/**
 * The steps of a network that stand. Another boot has forgotten them, and what carries their names now is somebody
 * else's.
 */
export function standingSteps({ made }: NetworkRecord, boot: string): readonly Step[] {
  return made?.boot === boot ? made.steps : [];
}

/** What containers share. Volatile: it stands in /run, with the boot in which it is true. */
export interface MachineRecord {
  readonly boot: string;
  readonly ruleset: readonly Step[];
  /** What another back end had, from which the firewall has just moved: it goes before anything else is done. */
  readonly leaving?: readonly Step[];
  /** The back end that somebody has asked for. Absent: the one that suits the machine. */
  readonly asked?: BackendName;
  /** The rules of the port guard. */
  readonly guard?: readonly Step[];
  readonly forwarding: readonly Step[];
  /** Of transparent ports. Absent: there was none yet. */
  readonly wayBack?: readonly Step[];
  /** Others' chains for forwarded packets that were there when this machine began to forward. */
  readonly neighbours?: readonly string[];
  /** Of each network and family, `ID/4`, the address given out last: the next one is looked for behind it. */
  readonly cursors?: Readonly<Record<string, Address>>;
}

/** Those of networks that stay. */
export function cursorsOf(
  { cursors = {} }: MachineRecord,
  networks: readonly NetworkRecord[],
): NonNullable<MachineRecord['cursors']> {
  const kept = Object.entries(cursors).filter(([key]) => networks.some(({ id }) => key.startsWith(`${id}/`)));
  return Object.fromEntries(kept);
}
