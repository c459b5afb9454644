/** Step kinds of links: bridge, veth, segments, hairpin, groups-forwarded, isolated, up; macvlan, ipvlan, vlan, dummy. */
import {
  addBridge,
  addVeth,
  disableBridgePort,
  setGroupsForwarded,
  setHairpin,
  setIsolated,
} from '../../kernel/bridge.ts';
import { deleteLink, findLink, findLinkIndex, renameLink, setLinkUp, setSegments } from '../../kernel/link.ts';
import { addDummy, addIpvlan, addMacvlan, addVlan, makeLink } from '../../kernel/link-kinds.ts';
import type { Request } from '../../netlink/message.ts';
import { ignoring } from '../../values/errors.ts';
import type { Segments } from '../../values/gso-sizes.ts';
import type { KernelHandles } from '../kernel-handles.ts';
import { type ActionKind, execPrefix, ipCommand, type RequestKind } from '../kind.ts';
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
} from '../link-step.ts';
import type { NamespaceRef } from '../namespace-ref.ts';

function sizes({ 4: ipv4, 6: ipv6 }: Segments = {}): string {
  return (
    (ipv6 === undefined ? '' : ` gso_max_size ${ipv6} gro_max_size ${ipv6}`) +
    (ipv4 === undefined ? '' : ` gso_ipv4_max_size ${ipv4} gro_ipv4_max_size ${ipv4}`)
  );
}

export const bridge: RequestKind<BridgeStep> = {
  requests: (step) => [addBridge(step)],
  commands: (step) => [
    `${ipCommand(step.in)} link add ${step.name} address ${step.mac} mtu ${step.mtuBytes} type bridge mcast_snooping 0` +
      (step.filtered === true ? ' nf_call_iptables 1 nf_call_ip6tables 1' : ''),
  ],
  undoCommands: (step) => [`${ipCommand(step.in)} link delete ${step.name}`],
  undo: (step, kernel) => removeLink(step.in, step.name, kernel),
  holds: (step, kernel) => find(step.in, step.name, kernel)?.kind === 'bridge',
};

export const veth: RequestKind<VethStep> = {
  requests(step, kernel) {
    const place = { namespace: step.peer.namespace };
    const namespaceFd = kernel.namespace(place).fd;
    return [addVeth({ ...step, master: kernel.linkIndex(step.in, step.bridge), peer: { ...step.peer, namespaceFd } })];
  },
  commands: ({ in: place, name, mtuBytes, bridge: master, segments, peer }) => [
    `${ipCommand(place)} link add ${name} up mtu ${mtuBytes} master ${master} numtxqueues 1 numrxqueues 1${sizes(segments)}` +
      ` type veth peer name ${peer.name} address ${peer.mac} mtu ${mtuBytes} numtxqueues 1 numrxqueues 1` +
      `${sizes(peer.segments)} netns ${peer.namespace}`,
  ],
  undoCommands: (step) => [`${ipCommand(step.in)} link delete ${step.name}`],
  undo: (step, kernel) => removeLink(step.in, step.name, kernel),
  disable: {
    undo(step, kernel) {
      const { route } = kernel.namespace(step.in);
      const index = findLinkIndex(route, step.name);
      // EOPNOTSUPP: it is no port any more, since somebody has deleted the bridge.
      const gone = ['ENODEV', 'EOPNOTSUPP'];
      if (index !== undefined) ignoring(gone, () => route.execute([disableBridgePort(step.name, index)]));
    },
    undoCommands: (step) => [`${execPrefix(step.in)}bridge link set dev ${step.name} state 0`],
  },
  holds: (step, kernel) => find(step.in, step.name, kernel)?.kind === 'veth',
};

export const segments: RequestKind<SegmentsStep> = {
  requests: (step) => [setSegments(step.link, step.segments)],
  commands: (step) => [`${ipCommand(step.in)} link set ${step.link}${sizes(step.segments)}`],
  undoCommands: () => [],
  undo: () => {},
  holds: (step, kernel) => find(step.in, step.link, kernel) !== undefined,
};

export const hairpin: RequestKind<HairpinStep> = {
  requests: (step) => [setHairpin(step.link)],
  commands: (step) => [`${ipCommand(step.in)} link set ${step.link} type bridge_slave hairpin on`],
  undoCommands: () => [],
  undo: () => {},
  holds: (step, kernel) => find(step.in, step.link, kernel) !== undefined,
};

export const groupsForwarded: RequestKind<GroupsForwardedStep> = {
  requests: (step) => [setGroupsForwarded(step.link)],
  commands: (step) => [`${ipCommand(step.in)} link set ${step.link} type bridge_slave group_fwd_mask 0xfffd`],
  undoCommands: () => [],
  undo: () => {},
  holds: (step, kernel) => find(step.in, step.link, kernel) !== undefined,
};

export const isolated: RequestKind<IsolatedStep> = {
  requests: (step) => [setIsolated(step.link)],
  commands: (step) => [`${ipCommand(step.in)} link set ${step.link} type bridge_slave isolated on`],
  undoCommands: () => [],
  undo: () => {},
  holds: (step, kernel) => find(step.in, step.link, kernel) !== undefined,
};

export const up: RequestKind<UpStep> = {
  requests: (step) => [setLinkUp(step.link, true)],
  commands: (step) => [`${ipCommand(step.in)} link set ${step.link} up`],
  undoCommands: (step) => [`${ipCommand(step.in)} link set ${step.link} down`],
  undo: (step, kernel) => {
    ignoring(['ENODEV', 'ENOENT'], () => kernel.namespace(step.in).route.execute([setLinkUp(step.link, false)]));
  },
  holds: (step, kernel) => find(step.in, step.link, kernel)?.up === true,
};

type ChildStep = MacvlanStep | IpvlanStep;

function home({ namespace }: ChildStep): NamespaceRef {
  return { namespace };
}

/**
 * What both kinds of children have in common: they live in the container, under a name that they were not born with.
 *
 * They are deleted also where their namespace goes (undo.ts): until the kernel has time for that, some 30 ms, nobody else
 * could have their MAC, their address, or the parent in the mode passthru; not even the same container's next life.
 */
const child = {
  undoCommands: (step: ChildStep) => [`${ipCommand(home(step))} link delete ${step.name}`],
  undo(step: ChildStep, kernel: KernelHandles) {
    // A program that was killed in between has left it without its name, which may be another link's.
    if (find(home(step), step.bornAs, kernel) !== undefined) removeLink(home(step), step.bornAs, kernel);
    else if (child.holds(step, kernel)) removeLink(home(step), step.name, kernel);
  },
  holds: (step: ChildStep, kernel: KernelHandles) => find(home(step), step.name, kernel)?.kind === step.kind,
};

export const macvlan: ActionKind<MacvlanStep> = {
  ...child,
  apply: (step, kernel) => grow(step, kernel, addMacvlan({ ...step, ...origin(step, kernel) })),
  commands: (step) => growing(step, step.mac === undefined ? '' : ` address ${step.mac}`, `mode ${step.mode}`),
};

export const ipvlan: ActionKind<IpvlanStep> = {
  ...child,
  apply: (step, kernel) => grow(step, kernel, addIpvlan({ ...step, ...origin(step, kernel) })),
  commands: (step) => growing(step, '', `mode ${step.mode} ${step.flag}`),
};

function origin(step: ChildStep, kernel: KernelHandles) {
  return {
    name: step.bornAs,
    parent: kernel.linkIndex(step.in, step.parent),
    namespaceFd: kernel.namespace(home(step)).fd,
  };
}

function grow(step: ChildStep, kernel: KernelHandles, birth: Request): void {
  makeLink(kernel.namespace(step.in).route, step.kind, birth);
  const place = home(step);
  const { route } = kernel.namespace(place);
  const index = kernel.linkIndex(place, step.bornAs);
  try {
    route.execute([renameLink(index, step.name)]);
  } catch (error) {
    route.execute([deleteLink(step.bornAs)]);
    throw error;
  }
  kernel.setLinkIndex(place, step.name, index);
}

function growing(step: ChildStep, address: string, data: string): readonly string[] {
  const { in: place, parent, bornAs, namespace, name, mtuBytes, kind } = step;
  const mtu = mtuBytes === undefined ? '' : ` mtu ${mtuBytes}`;
  return [
    `${ipCommand(place)} link add link ${parent} name ${bornAs}${address}${mtu} netns ${namespace} type ${kind} ${data}`,
    `${ipCommand(home(step))} link set ${bornAs} name ${name}`,
  ];
}

export const vlan: ActionKind<VlanStep> = {
  apply: (step, kernel) =>
    makeLink(
      kernel.namespace(step.in).route,
      'vlan',
      addVlan({ ...step, parent: kernel.linkIndex(step.in, step.parent) }),
    ),
  commands: ({ in: place, parent, name, id }) => [
    `${ipCommand(place)} link add link ${parent} name ${name} type vlan id ${id}`,
  ],
  undoCommands: (step) => [`${ipCommand(step.in)} link delete ${step.name}`],
  undo: (step, kernel) => removeLink(step.in, step.name, kernel),
  holds: (step, kernel) => find(step.in, step.name, kernel)?.kind === 'vlan',
};

export const dummy: ActionKind<DummyStep> = {
  apply: (step, kernel) => makeLink(kernel.namespace(step.in).route, 'dummy', addDummy(step.name)),
  commands: (step) => [`${ipCommand(step.in)} link add ${step.name} type dummy`],
  undoCommands: (step) => [`${ipCommand(step.in)} link delete ${step.name}`],
  undo: (step, kernel) => removeLink(step.in, step.name, kernel),
  holds: (step, kernel) => find(step.in, step.name, kernel)?.kind === 'dummy',
};

function find(place: NamespaceRef, name: string, kernel: KernelHandles) {
  return ignoring('ENOENT', () => findLink(kernel.namespace(place).route, name));
}

function removeLink(place: NamespaceRef, name: string, kernel: KernelHandles): void {
  kernel.forgetLinkIndex(place, name);
  ignoring(['ENODEV', 'ENOENT'], () => kernel.namespace(place).route.execute([deleteLink(name)]));
}
