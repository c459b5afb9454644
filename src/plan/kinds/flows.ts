/** Step kind: flows of UDP that outlive the rules by which they were translated. */
import { listAddresses } from '../../kernel/address.ts';
import { type FlowEnds, forgetDatagramFlows } from '../../kernel/connection-tracking.ts';
import { type Address, formatAddress, isLoopback, isUnspecified, sameAddress } from '../../values/address.ts';
import { type ActionKind, inside } from '../kind.ts';
import type { FlowsStep } from '../step.ts';
import type { World } from '../world.ts';

export const flows: ActionKind<FlowsStep> = {
  apply: (step, world) => (step.when === 'made' ? forget(step, world) : undefined),
  undo: (step, world) => (step.when === 'undone' ? forget(step, world) : undefined),
  holds: () => true,
  commands: (step) => (step.when === 'made' ? commands(step) : []),
  undoCommands: (step) => (step.when === 'undone' ? commands(step) : []),
};

function forget({ in: place, ports }: FlowsStep, world: World): void {
  const { route, netfilter } = world.namespace(place);
  const own = listAddresses(route).map(({ prefix }) => prefix.address);
  const isAsked = ({ destination, destinationPort }: FlowEnds) =>
    ports.some(({ address, port }) => port === destinationPort && isAskedOf(destination, address, own));
  for (const family of new Set(ports.map(({ address }) => address.family)))
    forgetDatagramFlows(netfilter, family, isAsked);
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
function commands({ in: place, ports }: FlowsStep): readonly string[] {
  return ports.map(({ address, port }) => {
    const destination = isUnspecified(address) ? '' : ` --orig-dst ${formatAddress(address)}`;
    const words = `conntrack -D -f ipv${address.family} -p udp${destination} --orig-port-dst ${port}`;
    return `! command -v conntrack >/dev/null || ${inside(place)}${words} >/dev/null 2>&1 || :`;
  });
}
