/**
 * Step kinds that delete flows: connection tracking keeps a flow, and its translation, after the rules have changed.
 *
 * All such steps of one undo run together, in one call of `deleteFlows`: IPv6 needs a dump of the kernel's table.
 */
import { listAddresses } from '../../kernel/address.ts';
import { deleteFlows, type FlowFilter } from '../../kernel/conntrack.ts';
import { deleteNeighbour } from '../../kernel/neighbour.ts';
import { type Address, formatAddress, isLoopback, isUnspecified, sameAddress } from '../../values/address.ts';
import { hasErrno, ignoring } from '../../values/errors.ts';
import type { KernelHandles } from '../kernel-handles.ts';
import { execPrefix, ipCommand, type TransactionKind } from '../kind.ts';
import { type NamespaceRef, sameNamespace } from '../namespace-ref.ts';
import type { FlowPort, FlowsStep, OwnFlowsStep } from '../step.ts';

type DeletionStep = FlowsStep | OwnFlowsStep;

export const flowDeletion: TransactionKind<DeletionStep> = {
  gathersUndo: true,
  canBatch: (one, other) => sameNamespace(one.in, other.in),
  applyAll: (steps, kernel) => deleteAll(steps, 'made', kernel),
  undoAll: (steps, kernel) => deleteAll(steps, 'undone', kernel),
  undo: (step, kernel) => deleteAll([step], 'undone', kernel),
  holds: () => true,
  commands: (step) => (whenOf(step) === 'made' ? commandsOf(step) : []),
  undoCommands: (step) => (whenOf(step) === 'undone' ? commandsOf(step) : []),
};

function whenOf(step: DeletionStep): FlowsStep['when'] {
  return step.kind === 'flows' ? step.when : 'undone';
}

function deleteAll(all: readonly DeletionStep[], when: FlowsStep['when'], kernel: KernelHandles): void {
  const steps = all.filter((step) => whenOf(step) === when);
  const [first] = steps;
  if (first === undefined) return;
  const { netfilter } = kernel.namespace(first.in);
  const endpoints = steps.filter((step) => step.kind === 'own-flows');
  const addresses = endpoints.flatMap((step) => step.addresses);
  const deleted = new Set(addresses.map(formatAddress));
  // The flows of an address include those of its published ports.
  const ports = steps
    .flatMap((step) => (step.kind === 'flows' ? step.ports : []))
    .filter(({ to }) => to === undefined || !deleted.has(formatAddress(to.address)));
  const isLocal = localAddresses(first.in, kernel);
  deleteFlows(netfilter, [...addresses.flatMap(addressFilters), ...ports.map((port) => portFilter(port, isLocal))]);
  for (const step of endpoints) deleteNeighbours(step, kernel);
}

/** The flows that the container opened, and those that were opened to it. */
function addressFilters(source: Address): readonly FlowFilter[] {
  const { family } = source;
  return [
    { family, original: { source } },
    { family, reply: { source } },
  ];
}

/** The flows of a published port: those that its rules translate, or those that began before it was published. */
function portFilter({ protocol, address, port, to }: FlowPort, isLocal: (address: Address) => boolean): FlowFilter {
  const isAny = isUnspecified(address);
  const original = { destinationPort: port, ...(isAny ? {} : { destination: address }) };
  if (to !== undefined) {
    const reply = { source: to.address, sourcePort: to.port };
    return { family: to.address.family, protocol, original, reply, translated: true };
  }
  // A flow that passes through to the same port of another host stays.
  return { family: address.family, protocol, original, ...(isAny ? { isDestination: isLocal } : {}) };
}

/** Reports whether an address belongs to the place. The addresses are read from the kernel when the first one is tested. */
function localAddresses(place: NamespaceRef, kernel: KernelHandles): (address: Address) => boolean {
  let own: readonly Address[] | undefined;
  return (address) => {
    own ??= listAddresses(kernel.namespace(place).route).map(({ prefix }) => prefix.address);
    return isLoopback(address) || own.some((candidate) => sameAddress(candidate, address));
  };
}

/** Deletes the ARP and NDP entries of a container: packets wait there, and would go to the next one that has its address. */
function deleteNeighbours({ in: place, link, addresses }: OwnFlowsStep, kernel: KernelHandles): void {
  const index = ignoring('ENODEV', () => kernel.linkIndex(place, link));
  if (index === undefined) return;
  const { route } = kernel.namespace(place);
  const failures = route.executeEach(addresses.map((address) => deleteNeighbour(address, index)));
  // ENOENT: there is no entry. ENODEV: the link is gone.
  const failure = failures.find((error) => error !== undefined && !hasErrno(error, 'ENOENT', 'ENODEV'));
  if (failure !== undefined) throw failure;
}

function commandsOf(step: DeletionStep): readonly string[] {
  return step.kind === 'flows' ? portCommands(step) : addressCommands(step);
}

function addressCommands({ in: place, link, addresses }: OwnFlowsStep): readonly string[] {
  return [
    ...addresses.flatMap((address) =>
      ['--orig-src', '--reply-src'].map((end) =>
        ifInstalled(place, `conntrack -D -f ipv${address.family} ${end} ${formatAddress(address)}`),
      ),
    ),
    ...addresses.map((address) => `${ipCommand(place)} neighbour flush to ${formatAddress(address)} dev ${link}`),
  ];
}

function portCommands({ in: place, ports }: FlowsStep): readonly string[] {
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

/** Tolerates a host without conntrack(8), which also fails where no flow matches. */
function ifInstalled(place: NamespaceRef, command: string): string {
  return `! command -v conntrack >/dev/null || ${execPrefix(place)}${command} >/dev/null 2>&1 || :`;
}
