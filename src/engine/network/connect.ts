/**
 * Connecting a container to a further network, and disconnecting it, while it runs.
 *
 *     connect       plug in -> the default route, if the new network is the better way -> published ports -> names, files
 *     disconnect    the same steps backwards: what took the place of something gives it back
 *
 * Each step that replaces something knows what was there (`was`), so that an error half-way, a kill -9 and the way back
 * all lead to the same place. A container that does not run is plugged in when it starts.
 */
import { dnsSocketRemarks } from '../../networks/dns.ts';
import { socketRemarks, withHostPort } from '../../networks/port-mapping.ts';
import { invertSteps } from '../../plan/invert.ts';
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { checkConnection } from '../../values/connection-grammar.ts';
import { GangwayError } from '../../values/errors.ts';
import { spread } from '../../values/forward-set.ts';
import type { ConnectionRequest, NetworkMode } from '../../values/network.ts';
import { closesIpv6 } from '../../values/sysctl-grammar.ts';
import { isAlive } from '../container-state.ts';
import { applyChange, type Context, withLock } from '../context.ts';
import { allocateEndpoint, checkEndpoint } from '../endpoint/allocate.ts';
import { defaultRoutesOf, endpointsOf } from '../endpoint/routes.ts';
import { endpointEvent, endpointEvents } from '../events/build.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import { bindPorts, closeRemovedPorts, requestedPorts, whileBound } from '../ports/allocate.ts';
import { forwardsOf } from '../ports/targets.ts';
import { disableForwarding, planPrerequisites } from '../sandbox/prerequisites.ts';
import { reconfigure, sandboxOf } from '../sandbox/reconfigure.ts';
import { findRecord, networkNotFound, resolveNetwork } from '../store/network-lookup.ts';
import { bindingsOf, type ContainerRecord, type NetworkRecord, type Run } from '../store/record.ts';

/**
 * `gangway network connect NETWORK CONTAINER`.
 *
 * @throws GangwayError network-not-found, container-not-found, invalid-network, already-connected; of addresses as `allocateEndpoint`
 */
export async function connect(context: Context, name: string, asked: ConnectionRequest): Promise<void> {
  await withLock(context, async (world) => {
    const record = context.records.container(name);
    const connections = connectionsOf(record, asked.network);
    const network = resolveNetwork(context, world, asked.network);
    const request = checkConnection({ ...asked, network: network.network.name });
    if (connections.some((connection) => connection.network === request.network)) {
      throw new GangwayError(
        'already-connected',
        `container ${record.name} is connected to network ${request.network} already`,
      );
    }
    const mode: NetworkMode = { kind: 'networks', connections: [...connections, request] };
    const { life } = record;
    const subject = `connect ${record.name} to ${request.network}`;
    if (life === undefined || !isAlive(life)) {
      checkEndpoint(network, request, {
        links: connections.flatMap(({ link }) => link ?? []),
        withoutIpv6: closesIpv6(record.request.sysctls),
      });
      const records = [context.records.put('containers', { ...record, network: mode })];
      return await applyChange(context, world, { plan: { subject, direction: 'make', steps: [] }, records });
    }
    await connectRunning(context, world, { record: { ...record, network: mode }, life, network, request, subject });
  });
}

interface ConnectRequest {
  /** As it will be, but for its life. */
  readonly record: ContainerRecord;
  readonly life: Run;
  readonly network: NetworkRecord;
  readonly request: ConnectionRequest;
  readonly subject: string;
}

async function connectRunning(
  context: Context,
  world: KernelHandles,
  { record, life, network, request, subject }: ConnectRequest,
): Promise<void> {
  const sandbox = sandboxOf(life);
  const links = life.plugs.map(({ endpoint }) => endpoint.link);
  const draft = allocateEndpoint(context, network, request, {
    owner: record.id,
    sandbox,
    links,
    withoutIpv6: closesIpv6(record.request.sysctls),
  });
  const wired = [...endpointsOf(context.records, life), { plug: draft.plug, record: network }];
  const begins = life.forwards.length === 0;
  // It had no way out until now, or none through this machine.
  const first = { record, asked: requestedPorts(record), wired, ways: defaultRoutesOf(wired), own: 'free' } as const;
  const bindings = begins ? await bindPorts(context, first) : bindingsOf(life);
  const ground = planPrerequisites(context, world, {
    networks: [network],
    forwardFor: { id: record.id, begins: life.plugs.length === 0 },
    forwards: forwardsOf(wired, first.ways, bindings),
    cursors: draft.cursors,
  });
  const rewired = reconfigure(record, {
    life,
    wired,
    verb: 'add',
    plug: draft.plug,
    bindings,
    firewall: activeBackend(context),
  });
  for (const warning of rewired.warnings) context.onWarning(warning);
  const bound = begins && !context.dryRun && withHostPort(rewired.life.forwards).length > 0;
  await closeRemovedPorts(context, record, { before: life.forwards, after: rewired.life.forwards });
  await whileBound(context, record, bound, async () => {
    await applyChange(context, world, {
      plan: {
        subject,
        direction: 'make',
        steps: [...ground.steps, ...rewired.guard, ...draft.plug.steps, ...rewired.steps],
        remarks: [
          ...(rewired.moved ? socketRemarks(spread(rewired.life.forwards)) : []),
          ...(life.names === rewired.life.names ? [] : dnsSocketRemarks()),
        ],
      },
      records: [context.records.put('containers', { ...record, life: rewired.life }), ...ground.records],
      events: [endpointEvent(record, network, 'connect')],
    });
  });
}

/**
 * `gangway network disconnect NETWORK CONTAINER`.
 *
 * @throws GangwayError network-not-found, container-not-found, not-connected
 */
export async function disconnect(context: Context, name: string, reference: string, force: boolean): Promise<void> {
  await withLock(context, async (world) => {
    const record = context.records.container(name);
    if (record.network.kind === 'none' && reference === 'none') return await leaveNone(context, world, record);
    const connections = connectionsOf(record, reference);
    const asked = reference === 'default' ? 'bridge' : reference;
    const network = findRecord(context.records.everyNetwork(), asked);
    // One that was removed while the container did not run is known to its record alone.
    const networkName = network?.network.name ?? asked;
    const rest = connections.filter((connection) => connection.network !== networkName);
    if (rest.length === connections.length) {
      if (network === undefined && asked !== 'bridge') throw networkNotFound(reference);
      if (force) return;
      throw notConnected(record, networkName);
    }
    const mode: NetworkMode = { kind: 'networks', connections: rest };
    const subject = `disconnect ${record.name} from ${networkName}`;
    const events = network === undefined ? [] : [endpointEvent(record, network, 'disconnect')];
    const { life } = record;
    const plug = life?.plugs.find(({ networkId }) => networkId === network?.id);
    if (life === undefined || plug === undefined || !isAlive(life)) {
      const records = [context.records.put('containers', { ...record, network: mode })];
      return await applyChange(context, world, { plan: { subject, direction: 'make', steps: [] }, records, events });
    }
    const wired = endpointsOf(context.records, life).filter((other) => other.plug !== plug);
    const rewired = reconfigure(record, {
      life,
      wired,
      verb: 'remove',
      plug,
      bindings: bindingsOf(life),
      firewall: activeBackend(context),
    });
    for (const warning of rewired.warnings) context.onWarning(warning);
    const shared = wired.length === 0 ? disableForwarding(context, record) : { steps: [], records: [] };
    const steps = [...shared.steps, ...invertSteps(rewired.guard), ...plug.steps, ...invertSteps(rewired.steps)];
    await closeRemovedPorts(context, record, { before: life.forwards, after: rewired.life.forwards });
    await applyChange(context, world, {
      plan: { subject, direction: 'unmake', steps },
      records: [context.records.put('containers', { ...record, network: mode, life: rewired.life }), ...shared.records],
      events,
    });
  });
}

function notConnected({ name }: ContainerRecord, network: string): GangwayError {
  return new GangwayError('not-connected', `container ${name} is not connected to network ${network}`);
}

/** The connections of a container that may have some. @throws GangwayError invalid-network */
function connectionsOf({ name, network: mode }: ContainerRecord, reference: string): readonly ConnectionRequest[] {
  if (mode.kind === 'networks' && reference !== 'host' && reference !== 'none') return mode.connections;
  const other = mode.kind === 'networks' ? reference : mode.kind;
  const message =
    mode.kind === 'container'
      ? `container ${name} lives in the stack of another one`
      : `container ${name} can't have network ${other} and others`;
  const hints = {
    container: 'connect or disconnect that one',
    host: 'what a stack is made of is chosen when the container is created',
    none: `\`gangway network disconnect none ${name}\` first`,
    networks: 'leave it out: a container in networks can’t have it',
  };
  throw new GangwayError('invalid-network', message, { hint: hints[mode.kind] });
}

/** Nothing changes but what may come: with no networks it may be connected to some, in `none` it may not. */
async function leaveNone(context: Context, world: KernelHandles, record: ContainerRecord): Promise<void> {
  const changed: ContainerRecord = { ...record, network: { kind: 'networks', connections: [] } };
  const plan = { subject: `disconnect ${record.name} from none`, direction: 'make' as const, steps: [] };
  const events = endpointEvents(record, [], 'disconnect');
  await applyChange(context, world, { plan, records: [context.records.put('containers', changed)], events });
}
