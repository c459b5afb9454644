/** Step kind: flows that outlive the rules by which they were translated. */
import { listAddresses } from '../../kernel/address.ts';
import { type Flow, type FlowFilter, forgetFlows } from '../../kernel/conntrack.ts';
import { deleteNeighbour } from '../../kernel/neighbour.ts';
import { type Address, formatAddress, isLoopback, isUnspecified, sameAddress } from '../../values/address.ts';
import { hasErrno, ignoring } from '../../values/errors.ts';
import type { KernelHandles } from '../kernel-handles.ts';
import { type ActionKind, execPrefix, ipCommand } from '../kind.ts';
import type { NamespaceRef } from '../link-step.ts';
import type { FlowPort, FlowsStep, OwnFlowsStep } from '../step.ts';

export const flows: ActionKind<FlowsStep> = {
  apply: (step, world) => (step.when === 'made' ? forget(step, world) : undefined),
  undo: (step, world) => (step.when === 'undone' ? forget(step, world) : undefined),
  holds: () => true,
  commands: (step) => (step.when === 'made' ? commands(step) : []),
  undoCommands: (step) => (step.when === 'undone' ? commands(step) : []),
};

export const ownFlows: ActionKind<OwnFlowsStep> = {
  apply: () => {},
  undo(step, world) {
    const { netfilter } = world.namespace(step.in);
    for (const address of step.addresses) {
      for (const filter of looksFor(address)) {
        forgetFlows(netfilter, filter, ({ original, reply }) =>
          [original, reply].some(({ source }) => sameAddress(source, address)),
        );
      }
    }
    forgetNeighbours(step, world);
  },
  holds: () => true,
  commands: () => [],
  undoCommands: ({ in: place, link, addresses }) => [
    ...addresses.flatMap((address) =>
      ['--orig-src', '--reply-src'].map((end) =>
        ifInstalled(place, `conntrack -D -f ipv${address.family} ${end} ${formatAddress(address)}`),
      ),
    ),
    ...addresses.map((address) => `${ipCommand(place)} neighbour flush to ${formatAddress(address)} dev ${link}`),
  ],
};

/** After the flows: what they still led there waits for whoever answers for the address next. */
function forgetNeighbours({ in: place, link, addresses }: OwnFlowsStep, world: KernelHandles): void {
  const index = ignoring('ENODEV', () => world.linkIndex(place, link));
  if (index === undefined) return;
  const { route } = world.namespace(place);
  const failures = route.executeEach(addresses.map((address) => deleteNeighbour(address, index)));
  // Nobody has asked for it, or the link has gone meanwhile.
  const failure = failures.find((error) => error !== undefined && !hasErrno(error, 'ENOENT', 'ENODEV'));
  if (failure !== undefined) throw failure;
}

/** One that it opened, and one that was opened to it. The kernel's filter wants all that it is asked for, and knows no address of IPv6. */
function looksFor(address: Address): readonly FlowFilter[] {
  if (address.family === 6) return [{ family: 6, original: {}, reply: {} }];
  return [
    { family: 4, original: { source: address }, reply: {} },
    { family: 4, original: {}, reply: { source: address } },
  ];
}

/** Each look at the kernel's table takes as long as any: up to as many for ports alone. */
const few = 4;

function forget({ in: place, ports }: FlowsStep, world: KernelHandles): void {
  const { route, netfilter } = world.namespace(place);
  const own = listAddresses(route).map(({ prefix }) => prefix.address);
  const keys = new Set(ports.map((port) => groupOf(port, ports.length)));
  for (const key of keys) {
    const group = ports.filter((port) => groupOf(port, ports.length) === key);
    forgetFlows(netfilter, filterOf(group), (flow) => group.some((port) => isOf(flow, port, own)));
  }
}

/** What one look finds: all ports that lead to one address of IPv4, and else, where there are but a few, each by itself. */
function groupOf({ protocol, address, port, to }: FlowPort, count: number): string {
  if (to?.address.family === 4) return formatAddress(to.address);
  return `${to?.address.family ?? `asked ${address.family}`} ${count <= few ? `${protocol} ${port}` : ''}`;
}

/** As narrow as all of a group allow. */
function filterOf(group: readonly FlowPort[]): FlowFilter {
  const [first] = group;
  if (first === undefined) throw new TypeError('no ports');
  const { protocol, address, port, to } = first;
  const family = (to?.address ?? address).family;
  const source = to && { source: to.address };
  if (group.length > 1) return { family, original: {}, reply: { ...source } };
  return {
    family,
    protocol,
    original: { destinationPort: port, ...(!isUnspecified(address) && { destination: address }) },
    reply: to === undefined ? {} : { ...source, sourcePort: to.port },
  };
}

function isOf(
  { protocol, original, reply }: Flow,
  { protocol: wanted, address, port, to }: FlowPort,
  own: readonly Address[],
): boolean {
  if (protocol !== wanted || original.destinationPort !== port) return false;
  if (to === undefined) return isAskedOf(original.destination, address, own);
  // Who has asked the container itself was not led there by this port.
  if (sameAddress(original.destination, to.address)) return false;
  if (!isUnspecified(address) && !sameAddress(original.destination, address)) return false;
  return sameAddress(reply.source, to.address) && reply.sourcePort === to.port;
}

/** Who passes through the machine on the way to that port of another one is left alone. */
function isAskedOf(destination: Address, address: Address, own: readonly Address[]): boolean {
  if (!isUnspecified(address)) return sameAddress(destination, address);
  return (
    destination.family === address.family &&
    (isLoopback(destination) || own.some((candidate) => sameAddress(candidate, destination)))
  );
}

/** conntrack(8) is no program that every machine has, and fails where there is nothing to forget. */
function ifInstalled(place: NamespaceRef, command: string): string {
  return `! command -v conntrack >/dev/null || ${execPrefix(place)}${command} >/dev/null 2>&1 || :`;
}

function commands({ in: place, ports }: FlowsStep): readonly string[] {
  return ports.map(({ protocol, address, port, to }) => {
    const destination = isUnspecified(address) ? '' : ` --orig-dst ${formatAddress(address)}`;
    const answering = to === undefined ? '' : ` --reply-src ${formatAddress(to.address)} --reply-port-src ${to.port}`;
    const family = (to?.address ?? address).family;
    return ifInstalled(
      place,
      `conntrack -D -f ipv${family} -p ${protocol}${destination} --orig-port-dst ${port}${answering}`,
    );
  });
}
