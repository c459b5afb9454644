/** Step kinds of links: bridge, veth, hairpin, up. */
import {
  addBridge,
  addVeth,
  deleteLink,
  disableBridgePort,
  findLink,
  findLinkIndex,
  setHairpin,
  setLinkUp,
} from '../../kernel/link.ts';
import { hasErrno, ignoring } from '../../values/errors.ts';
import { inside, ip, type RequestKind } from '../kind.ts';
import type { BridgeStep, HairpinStep, Place, UpStep, VethStep } from '../step.ts';
import type { World } from '../world.ts';

export const bridge: RequestKind<BridgeStep> = {
  requests: (step) => [addBridge(step)],
  commands: (step) => [
    `${ip(step.in)} link add ${step.name} address ${step.mac} mtu ${step.mtuBytes} type bridge mcast_snooping 0`,
  ],
  undoCommands: (step) => [`${ip(step.in)} link delete ${step.name}`],
  undo: (step, world) => removeLink(step.in, step.name, world),
  holds: (step, world) => find(step.in, step.name, world)?.kind === 'bridge',
};

export const veth: RequestKind<VethStep> = {
  requests(step, world) {
    const place = { namespace: step.peer.namespace };
    const namespaceFd = world.namespace(place).fd;
    world.learnIndex(place, step.peer.name, step.peer.index);
    return [addVeth({ ...step, master: world.linkIndex(step.in, step.bridge), peer: { ...step.peer, namespaceFd } })];
  },
  commands: ({ in: place, name, mtuBytes, bridge: master, peer }) => [
    `${ip(place)} link add ${name} up mtu ${mtuBytes} master ${master} numtxqueues 1 numrxqueues 1 type veth` +
      ` peer name ${peer.name} index ${peer.index} address ${peer.mac} mtu ${mtuBytes} numtxqueues 1 numrxqueues 1 netns ${peer.namespace}`,
  ],
  undoCommands: (step) => [`${ip(step.in)} link delete ${step.name}`],
  undo: (step, world) => removeLink(step.in, step.name, world),
  silence: {
    undo(step, world) {
      const { route } = world.namespace(step.in);
      const index = findLinkIndex(route, step.name);
      if (index !== undefined) ignoring('ENODEV', () => route.execute([disableBridgePort(step.name, index)]));
    },
    undoCommands: (step) => [`${inside(step.in)}bridge link set dev ${step.name} state 0`],
  },
  holds: (step, world) => find(step.in, step.name, world)?.kind === 'veth',
};

export const hairpin: RequestKind<HairpinStep> = {
  requests: (step) => [setHairpin(step.link)],
  commands: (step) => [`${ip(step.in)} link set ${step.link} type bridge_slave hairpin on`],
  undoCommands: () => [],
  undo: () => {},
  holds: (step, world) => find(step.in, step.link, world) !== undefined,
};

export const up: RequestKind<UpStep> = {
  requests: (step) => [setLinkUp(step.link, true)],
  commands: (step) => [`${ip(step.in)} link set ${step.link} up`],
  undoCommands: (step) => [`${ip(step.in)} link set ${step.link} down`],
  undo: (step, world) => {
    ignoring(['ENODEV', 'ENOENT'], () => world.namespace(step.in).route.execute([setLinkUp(step.link, false)]));
  },
  holds: (step, world) => find(step.in, step.link, world)?.up === true,
};

function find(place: Place, name: string, world: World) {
  return ignoring('ENOENT', () => findLink(world.namespace(place).route, name));
}

function removeLink(place: Place, name: string, world: World): void {
  try {
    world.namespace(place).route.execute([deleteLink(name)]);
  } catch (error) {
    if (!hasErrno(error, 'ENODEV', 'ENOENT')) throw error;
  }
}
