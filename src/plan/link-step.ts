/** Steps of links: how they are made, and what is set at them. */

import type { Segments } from '../values/gso-sizes.ts';
import type { Mac } from '../values/mac.ts';
import type { IpvlanRequest, MacvlanRequest } from '../values/network.ts';
import type { NamespaceRef, Reasoned } from './namespace-ref.ts';

/** `ip link add NAME type bridge`. */
export interface BridgeStep extends Reasoned {
  readonly kind: 'bridge';
  readonly in: NamespaceRef;
  readonly name: string;
  readonly mac: Mac;
  readonly mtuBytes: number;
  /** Its ports speak to each other through the firewall. */
  readonly filtered?: boolean;
}

/** `ip link add NAME master BRIDGE up type veth peer name PEER netns NAMESPACE`. */
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

/** `ip link set LINK gso_max_size BYTES …`: at a bridge, which takes no more than its ports do, once it has one. */
export interface SegmentsStep extends Reasoned {
  readonly kind: 'segments';
  readonly in: NamespaceRef;
  readonly link: string;
  readonly segments: Segments;
}

/** A link on a parent, in the namespace of a container. The parent's place is `in`. */
interface ChildStep extends Reasoned {
  readonly in: NamespaceRef;
  readonly parent: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * The name with which it is born, and which no link of either namespace has. It could not be born as `eth0` where the
   * parent is called that, too: kernels before 6.15 look for the name in the parent's namespace.
   */
  readonly bornAs: string;
  /** Absent: the parent's. */
  readonly mtuBytes?: number;
}

/** `ip link add link PARENT name BORN netns NAMESPACE type macvlan mode MODE`, and its name. */
export interface MacvlanStep extends ChildStep {
  readonly kind: 'macvlan';
  readonly mode: MacvlanRequest['mode'];
  /** Absent in the mode passthru, where it is the parent's. */
  readonly mac?: Mac;
}

/** `ip link add link PARENT name BORN netns NAMESPACE type ipvlan mode MODE FLAG`, and its name. */
export interface IpvlanStep extends ChildStep {
  readonly kind: 'ipvlan';
  readonly mode: IpvlanRequest['mode'];
  readonly flag: IpvlanRequest['flag'];
}

/** `ip link add link PARENT name NAME type vlan id ID`. */
export interface VlanStep extends Reasoned {
  readonly kind: 'vlan';
  readonly in: NamespaceRef;
  readonly name: string;
  readonly parent: string;
  readonly id: number;
}

/** `ip link add NAME type dummy`. */
export interface DummyStep extends Reasoned {
  readonly kind: 'dummy';
  readonly in: NamespaceRef;
  readonly name: string;
}

/** `ip link set NAME type bridge_slave hairpin on`. */
export interface HairpinStep extends Reasoned {
  readonly kind: 'hairpin';
  readonly in: NamespaceRef;
  readonly link: string;
}

/** `ip link set NAME type bridge_slave group_fwd_mask 0xfffd`: what is for the bridge itself, it passes on like all else. */
export interface GroupsForwardedStep extends Reasoned {
  readonly kind: 'groups-forwarded';
  readonly in: NamespaceRef;
  readonly link: string;
}

/** `ip link set NAME type bridge_slave isolated on`. */
export interface IsolatedStep extends Reasoned {
  readonly kind: 'isolated';
  readonly in: NamespaceRef;
  readonly link: string;
}

/** `ip link set NAME up`. */
export interface UpStep extends Reasoned {
  readonly kind: 'up';
  readonly in: NamespaceRef;
  readonly link: string;
}
