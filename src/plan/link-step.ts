/** Steps of links: creation and settings. */

import type { Segments } from '../values/gso-sizes.ts';
import type { Mac } from '../values/mac.ts';
import type { IpvlanRequest, MacvlanRequest } from '../values/network.ts';

/** `ip link add NAME type bridge` */
export interface BridgeStep extends Reasoned {
  readonly kind: 'bridge';
  readonly in: NamespaceRef;
  readonly name: string;
  readonly mac: Mac;
  readonly mtuBytes: number;
  /** Its ports' traffic to each other passes iptables rules. */
  readonly filtered?: boolean;
}

/** `ip link add NAME master BRIDGE up type veth peer name PEER netns NAMESPACE` */
export interface VethStep extends Reasoned {
  readonly kind: 'veth';
  readonly in: NamespaceRef;
  readonly name: string;
  readonly bridge: string;
  readonly mtuBytes: number;
  readonly segments?: Segments;
  readonly peer: {
    readonly namespace: string;
    readonly name: string;
    readonly mac: Mac;
    readonly segments?: Segments;
  };
}

/** `ip link set LINK gso_max_size BYTES …`. A bridge takes no more than its ports do. */
export interface SegmentsStep extends Reasoned {
  readonly kind: 'segments';
  readonly in: NamespaceRef;
  readonly link: string;
  readonly segments: Segments;
}

/** A link on a parent, in a container's namespace. `in` is the parent's namespace. */
interface ChildStep extends Reasoned {
  readonly in: NamespaceRef;
  readonly parent: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * A temporary name, unique in both namespaces. Kernels before 6.15 refuse the final name if the parent's namespace
   * has such a link (eth0).
   */
  readonly bornAs: string;
  /** Absent: the parent's. */
  readonly mtuBytes?: number;
}

/** `ip link add link PARENT name BORN netns NAMESPACE type macvlan mode MODE`, then `ip link set BORN name NAME` */
export interface MacvlanStep extends ChildStep {
  readonly kind: 'macvlan';
  readonly mode: MacvlanRequest['mode'];
  /** Absent in mode passthru, which uses the parent's. */
  readonly mac?: Mac;
}

/** `ip link add link PARENT name BORN netns NAMESPACE type ipvlan mode MODE FLAG`, then `ip link set BORN name NAME` */
export interface IpvlanStep extends ChildStep {
  readonly kind: 'ipvlan';
  readonly mode: IpvlanRequest['mode'];
  readonly flag: IpvlanRequest['flag'];
}

/** `ip link add link PARENT name NAME type vlan id ID` */
export interface VlanStep extends Reasoned {
  readonly kind: 'vlan';
  readonly in: NamespaceRef;
  readonly name: string;
  readonly parent: string;
  readonly id: number;
}

/** `ip link add NAME type dummy` */
export interface DummyStep extends Reasoned {
  readonly kind: 'dummy';
  readonly in: NamespaceRef;
  readonly name: string;
}

/** A setting of a link that has no value. */
interface FlagStep<Kind extends string> extends Reasoned {
  readonly kind: Kind;
  readonly in: NamespaceRef;
  readonly link: string;
}

/** `ip link set NAME type bridge_slave hairpin on` */
export type HairpinStep = FlagStep<'hairpin'>;

/** `ip link set NAME type bridge_slave group_fwd_mask 0xfffd`: frames for the bridge itself are forwarded like others. */
export type GroupsForwardedStep = FlagStep<'groups-forwarded'>;

/** `ip link set NAME type bridge_slave isolated on` */
export type IsolatedStep = FlagStep<'isolated'>;

/** `ip link set NAME up` */
export type UpStep = FlagStep<'up'>;

export type LinkStep =
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
  | UpStep;

/** The namespace of a step: the host's, or a pinned one by its name in /run/netns. */
export type NamespaceRef = 'host' | { readonly namespace: string };

export function sameNamespace(a: NamespaceRef, b: NamespaceRef): boolean {
  return a === b || (a !== 'host' && b !== 'host' && a.namespace === b.namespace);
}

/** One sentence without a final stop. */
export interface Reasoned {
  readonly why: string;
}
