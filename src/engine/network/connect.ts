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
import type { KernelHandles } from '../../plan/kernel-handles.ts';
import { invertSteps } from '../../plan/undo.ts';
import { checkConnection } from '../../values/connection-grammar.ts';
import { GangwayError } from '../../values/errors.ts';
import { spread } from '../../values/forward-set.ts';
import type { ConnectionRequest, NetworkMode } from '../../values/network.ts';
import { closesIpv6 } from '../../values/sysctl-grammar.ts';
import { isAlive } from '../container-state.ts';
import { type Context, carry, exclusively } from '../context.ts';
import { checkPlug, draftPlug } from '../endpoint/allocate.ts';
import { forwardsOf, waysOf, wiredOf } from '../endpoint/routes.ts';
import { ofPlug } from '../events/build.ts';
import { standingBackend } from '../firewall/backend-selection.ts';
import { askedPorts, bindPorts, closeFirst, whileBound } from '../ports/allocate.ts';
import { endForwarding, prepareGround } from '../sandbox/prerequisites.ts';
import { rewire, sandboxOf } from '../sandbox/reconfigure.ts';
import { lookUp, notFound, resolveNetwork } from '../store/network-lookup.ts';
import { bindingsOf, type ContainerRecord, type Life, type NetworkRecord } from '../store/record.ts';
import { leaveNone } from './leave-none.ts';

/**
 * `gangway network connect NETWORK CONTAINER`.
 *
 * @throws GangwayError network-not-found, container-not-found, invalid-network, already-connected; of addresses as `draftPlug`
 */
export async function connect(context: Context, name: string, asked: ConnectionRequest): Promise<void> {
  await exclusively(context, async (world) => {
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
      checkPlug(network, request, {
        links: connections.flatMap(({ link }) => link ?? []),
        withoutIpv6: closesIpv6(record.request.sysctls),
      });
      const records = [context.records.put('containers', { ...record, network: mode })];
      return await carry(context, world, { plan: { subject, direction: 'make', steps: [] }, records });
    }
    await plugIntoLife(context, world, { record: { ...record, network: mode }, life, network, request, subject });
  });
}

interface Joining {
  /** As it will be, but for its life. */
  readonly record: ContainerRecord;
  readonly life: Life;
  readonly network: NetworkRecord;
  readonly request: ConnectionRequest;
  readonly subject: string;
}

async function plugIntoLife(
  context: Context,
  world: KernelHandles,
  { record, life, network, request, subject }: Joining,
): Promise<void> {
  const sandbox = sandboxOf(life);
  const links = life.plugs.map(({ endpoint }) => endpoint.link);
  const draft = draftPlug(context, network, request, {
    owner: record.id,
    sandbox,
    links,
    withoutIpv6: closesIpv6(record.request.sysctls),
  });
  const wired = [...wiredOf(context.records, life), { plug: draft.plug, record: network }];
  const begins = life.forwards.length === 0;
  // It had no way out until now, or none through this machine.
  const first = { record, asked: askedPorts(record), wired, ways: waysOf(wired), own: 'free' } as const;
  const bindings = begins ? await bindPorts(context, first) : bindingsOf(life);
  const ground = prepareGround(context, world, {
    networks: [network],
    forwardFor: { id: record.id, begins: life.plugs.length === 0 },
    forwards: forwardsOf(wired, first.ways, bindings),
    cursors: draft.cursors,
  });
  const rewired = rewire(record, {
    life,
    wired,
    verb: 'add',
    plug: draft.plug,
    bindings,
    firewall: standingBackend(context),
  });
  for (const warning of rewired.warnings) context.onWarning(warning);
  const bound = begins && !context.dryRun && withHostPort(rewired.life.forwards).length > 0;
  await closeFirst(context, record, { before: life.forwards, after: rewired.life.forwards });
  await whileBound(context, record, bound, async () => {
    await carry(context, world, {
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
      events: [ofPlug(record, network, 'connect')],
    });
  });
}

/**
 * `gangway network disconnect NETWORK CONTAINER`.
 *
 * @throws GangwayError network-not-found, container-not-found, not-connected
 */
export async function disconnect(context: Context, name: string, reference: string, force: boolean): Promise<void> {
  await exclusively(context, async (world) => {
    const record = context.records.container(name);
    if (record.network.kind === 'none' && reference === 'none') return await leaveNone(context, world, record);
    const connections = connectionsOf(record, reference);
    const asked = reference === 'default' ? 'bridge' : reference;
    const network = lookUp(context.records.everyNetwork(), asked);
    // One that was removed while the container did not run is known to its record alone.
    const networkName = network?.network.name ?? asked;
    const rest = connections.filter((connection) => connection.network !== networkName);
    if (rest.length === connections.length) {
      if (network === undefined && asked !== 'bridge') throw notFound(reference);
      if (force) return;
      throw notConnected(record, networkName);
    }
    const mode: NetworkMode = { kind: 'networks', connections: rest };
    const subject = `disconnect ${record.name} from ${networkName}`;
    const events = network === undefined ? [] : [ofPlug(record, network, 'disconnect')];
    const { life } = record;
    const plug = life?.plugs.find(({ networkId }) => networkId === network?.id);
    if (life === undefined || plug === undefined || !isAlive(life)) {
      const records = [context.records.put('containers', { ...record, network: mode })];
      return await carry(context, world, { plan: { subject, direction: 'make', steps: [] }, records, events });
    }
    const wired = wiredOf(context.records, life).filter((other) => other.plug !== plug);
    const rewired = rewire(record, {
      life,
      wired,
      verb: 'remove',
      plug,
      bindings: bindingsOf(life),
      firewall: standingBackend(context),
    });
    for (const warning of rewired.warnings) context.onWarning(warning);
    const shared = wired.length === 0 ? endForwarding(context, record) : { steps: [], records: [] };
    const steps = [...shared.steps, ...invertSteps(rewired.guard), ...plug.steps, ...invertSteps(rewired.steps)];
    await closeFirst(context, record, { before: life.forwards, after: rewired.life.forwards });
    await carry(context, world, {
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
