/** Ports of the machine for a container: chosen and bound, before anything is made. */
import { withHostPort } from '../../networks/port-mapping.ts';
import type { DefaultRoute } from '../../plan/step.ts';
import { allocatePorts, collide, publishAll } from '../../services/port-allocation.ts';
import { isUnspecified, unspecified } from '../../values/address.ts';
import { introducing } from '../../values/client-address.ts';
import { GangwayError } from '../../values/errors.ts';
import { type ForwardSet, spread } from '../../values/forward-set.ts';
import type { Forward, PortBinding, PublishedPort } from '../../values/port.ts';
import { claimsEveryPort, formatBinding, formatPort, formatPublish, size } from '../../values/port-grammar.ts';
import { type Context, openPorts } from '../context.ts';
import type { Endpoints } from '../endpoint/routes.ts';
import { kernelFamilies } from '../host-facts.ts';
import type { ContainerRecord } from '../store/record.ts';
import { hostPorts } from './host-ports.ts';
import { canBePublished, destinationsOf, forwardsOf, hostBindingOf } from './targets.ts';

/** How often a port is chosen anew that somebody took while we were looking. */
const portAttempts = 10;

interface PortRequest {
  readonly record: ContainerRecord;
  readonly asked: readonly PublishedPort[];
  readonly wired: Endpoints;
  readonly ways: readonly DefaultRoute[];
  /** What the container has itself: free for its own next start, or taken, where these ports come on top. */
  readonly own: 'free' | 'taken';
}

/**
 * Chooses ports and has them bound, deaf; again if somebody was faster with one that we chose ourselves.
 *
 * @returns nothing without a way out, and with a warning where that is another link of the machine's network (macvlan)
 * @throws GangwayError port-in-use, with who has it
 */
export async function bindPorts(context: Context, asking: PortRequest): Promise<readonly PortBinding[]> {
  const { record, asked, wired, ways } = asking;
  const hostAddress = hostBindingOf(wired, ways);
  const wanted = hostAddress === undefined ? asked : asked.map((port) => ({ hostAddress, ...port }));
  if (wanted.length === 0 || ways.length === 0) return [];
  if (!canBePublished(wired, ways)) {
    context.onWarning(
      `ports of container ${record.name} are not published: its way out does not lead through this machine`,
    );
    return [];
  }
  const destinations = destinationsOf(wired, ways);
  const isRouted: IsRouted = ({ hostAddress }) => destinations[hostAddress.family]?.routed !== undefined;
  const sockets = countSockets(wanted, isRouted);
  try {
    if (sockets > 0 && !context.dryRun) await context.sockets.requireRoom(record.id, sockets);
    return await choose(context, asking, wanted, isRouted);
  } catch (error) {
    await context.sockets.cancel(record.id);
    throw error;
  }
}

type IsRouted = (binding: PortBinding) => boolean;

async function choose(
  context: Context,
  { record, wired, ways, own }: PortRequest,
  wanted: readonly PublishedPort[],
  isRouted: IsRouted,
): Promise<readonly PortBinding[]> {
  // Of a port that somebody named there is no other one to try.
  const fixed = wanted.every(claimsEveryPort);
  // A socket of the kernel's own is seen nowhere but in the refusal.
  const lost: PortBinding[] = [];
  for (let attempt = 1; ; attempt++) {
    const host = hostPorts(context.records.everyHolder(), own === 'free' ? record.id : undefined);
    const allocated = allocatePorts(wanted, {
      ...host,
      holder: (binding) => {
        // What is only opened takes no port of the machine, whoever has it.
        if (isRouted(binding)) return undefined;
        return lost.some((other) => collide(other, binding)) ? 'a process out of sight' : host.holder(binding);
      },
    });
    const bindings = allocated.map(introducing(record.request));
    const led = forwardsOf(wired, ways, bindings);
    refuseRoutedClientAddress(record, led);
    const forwards = withHostPort(led);
    if (context.dryRun || forwards.length === 0) return bindings;
    try {
      await context.sockets.reserve(record.id, forwards, record.name);
      return bindings;
    } catch (error) {
      const isTaken = error instanceof GangwayError && error.code === 'port-in-use';
      if (!isTaken || fixed || attempt === portAttempts) throw error;
      lost.push(...bindings.filter((binding) => formatBinding(binding) === error.subject));
    }
  }
}

/** How many sockets these ports take: one each, also on all addresses of both families, but for those that are only opened. */
function countSockets(wanted: readonly PublishedPort[], isRouted: IsRouted): number {
  const taken = new Map<string, number>();
  for (const { hostAddress, ...ports } of wanted) {
    const { protocol, containerPort } = ports;
    const addresses = hostAddress === undefined ? kernelFamilies().map(unspecified) : [hostAddress];
    const binding = { protocol, hostPort: containerPort.first, containerPort: containerPort.first };
    if (addresses.every((address) => isRouted({ ...binding, hostAddress: address }))) continue;
    const isWide = hostAddress === undefined || isUnspecified(hostAddress);
    taken.set(formatPublish(isWide ? ports : { ...ports, hostAddress }), size(containerPort));
  }
  return [...taken.values()].reduce((sum, count) => sum + count, 0);
}

/** @throws GangwayError conflicting-options where clients come to the container itself, and there is no relay to introduce them */
function refuseRoutedClientAddress({ name }: ContainerRecord, forwards: readonly Forward[]): void {
  const direct = forwards.find(({ binding, routed }) => routed !== undefined && binding.clientAddress !== undefined);
  if (direct === undefined) return;
  const port = formatPort({ port: direct.binding.containerPort, protocol: direct.binding.protocol });
  const message = `clients of port ${port} of container ${name} can’t be introduced: in a routed network they reach it by themselves`;
  throw new GangwayError('conflicting-options', message, {
    hint: 'leave the option out, the container sees their addresses there',
  });
}

/** Every port that a container asks for. */
export function requestedPorts({ request }: ContainerRecord): readonly PublishedPort[] {
  const { publish, publishAll: everything, expose } = request;
  return [...publish, ...(everything ? publishAll(expose, publish) : [])];
}

/**
 * Closes the ports that will have gone, before the facts go that say who may not ask the process behind them: one that is open
 * would carry anybody.
 */
export async function closeRemovedPorts(
  { sockets, dryRun }: Context,
  { id, name }: ContainerRecord,
  { before, after }: { readonly before: readonly ForwardSet[]; readonly after: readonly ForwardSet[] },
): Promise<void> {
  const lasting = new Set(withHostPort(spread(after)).map(({ binding }) => formatBinding(binding)));
  const open = withHostPort(spread(before));
  const left = open.filter(({ binding }) => lasting.has(formatBinding(binding)));
  if (!dryRun && left.length < open.length) await sockets.keepOnly(id, left, name);
}

/** Makes the change between the moment at which the sockets are bound and the one at which they hear. */
export async function whileBound(
  context: Context,
  { id }: ContainerRecord,
  bound: boolean,
  work: () => Promise<void>,
): Promise<void> {
  if (!bound) return await work();
  try {
    await work();
  } catch (error) {
    await context.sockets.cancel(id);
    throw error;
  }
  await openPorts(context, id);
}
