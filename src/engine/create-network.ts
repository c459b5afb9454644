/** Making networks, and removing them. */
import { type BridgeNetwork, optionsOf } from '../networks/bridge.ts';
import type { Network } from '../networks/network.ts';
import type { World } from '../plan/world.ts';
import { choosePools } from '../services/ipam.ts';
import { GangwayError } from '../values/errors.ts';
import type { BridgeRequest, NetworkRequest, Subnet } from '../values/network.ts';
import { checkNetworkRequest } from '../values/network-grammar.ts';
import { type Context, carry, exclusively } from './context.ts';
import { isAlive } from './end.ts';
import { prepareGround } from './ground.ts';
import { lookUp, notFound, predefinedNames, takenPrefixes } from './networks.ts';
import { machinePrefix, uplinkMtuBytes } from './observe.ts';
import type { NetworkRecord } from './records.ts';

/**
 * `gangway network create`: chooses subnets, makes the switch.
 *
 * @returns the network's id
 * @throws GangwayError network-exists, pool-exhausted, invalid-option for what overlaps or is taken
 */
export async function createNetwork(context: Context, asked: NetworkRequest): Promise<string> {
  const request = checkNetworkRequest(asked);
  return await exclusively(context, async (world) => {
    refuseName(context, request.name);
    const record = draftNetwork(context, world, request);
    const ground = prepareGround(context, world, { networks: [record] });
    await carry(context, world, {
      plan: { subject: `create network ${request.name}`, direction: 'make', steps: ground.steps },
      records: ground.records,
    });
    return record.id;
  });
}

function refuseName({ records }: Context, name: string): void {
  if (predefinedNames.includes(name)) {
    throw new GangwayError('network-exists', `network ${name} is predefined`, { hint: 'choose another name' });
  }
  if (records.everyNetwork().some(({ network }) => network.name === name)) {
    throw new GangwayError('network-exists', `network ${name} exists already`, {
      hint: `\`gangway network inspect ${name}\` shows it`,
    });
  }
}

function draftNetwork(context: Context, world: World, request: NetworkRequest): NetworkRecord {
  const { identities } = context;
  const id = identities.id();
  const subnets = choosePools(request, takenPrefixes(context, world), machinePrefix());
  return {
    id,
    createdAt: new Date().toISOString(),
    request,
    network: resolve(context, world, { id, request, subnets }),
  };
}

interface Drafted {
  readonly id: string;
  readonly request: NetworkRequest;
  readonly subnets: readonly Subnet[];
}

/** What was asked for, with everything chosen that was left open. */
function resolve(context: Context, world: World, drafted: Drafted): Network {
  const { driver } = drafted.request;
  if (driver.kind === 'bridge') return resolveBridge(context, world, drafted, driver);
  throw new GangwayError('not-supported', `driver ${driver.kind} is not there yet`);
}

function resolveBridge(
  { identities, records }: Context,
  world: World,
  { id, request, subnets }: Drafted,
  driver: BridgeRequest,
): BridgeNetwork {
  const { link = `br-${id.slice(0, 12)}`, mtuBytes = uplinkMtuBytes(world) } = driver;
  const owner = records.everyNetwork().find(({ network }) => network.kind === 'bridge' && network.bridge === link);
  const existing = world.findLink('host', link);
  if (owner !== undefined || existing !== undefined) {
    const by =
      owner === undefined ? `there is a link ${link} already` : `network ${owner.network.name} has bridge ${link}`;
    throw new GangwayError('network-exists', `network ${request.name} can't have bridge ${link}: ${by}`, {
      hint: 'choose another com.docker.network.bridge.name',
    });
  }
  return {
    ...optionsOf(driver),
    kind: 'bridge',
    name: request.name,
    bridge: link,
    mac: identities.mac(),
    mtuBytes,
    subnets,
    internal: request.internal,
  };
}

/**
 * `gangway network rm`.
 *
 * @returns the network's name
 * @throws GangwayError network-not-found, conflicting-options for a predefined one, network-in-use with who uses it
 */
export async function removeNetwork(context: Context, reference: string): Promise<string> {
  return await exclusively(context, async (world) => {
    if (predefinedNames.includes(reference)) {
      throw new GangwayError('network-in-use', `network ${reference} is predefined and can't be removed`);
    }
    const record = lookUp(context.records.everyNetwork(), reference);
    if (record === undefined) throw notFound(reference);
    refuseInUse(context, record);
    const { name } = record.network;
    const machine = context.records.machine();
    const kept = Object.entries(machine.cursors ?? {}).filter(([key]) => !key.startsWith(`${record.id}/`));
    await carry(context, world, {
      plan: { subject: `remove network ${name}`, direction: 'unmake', steps: record.made?.steps ?? [] },
      records: [
        context.records.drop('networks', record.id),
        context.records.putMachine({ ...machine, cursors: Object.fromEntries(kept) }),
      ],
    });
    return name;
  });
}

function refuseInUse({ records }: Context, { id, network }: NetworkRecord): void {
  const users = records
    .containers()
    .filter(({ life }) => life !== undefined && isAlive(life) && life.plugs.some(({ networkId }) => networkId === id));
  if (users.length === 0) return;
  const names = users.map(({ name }) => name);
  throw new GangwayError('network-in-use', `network ${network.name} is in use by ${names.join(', ')}`, {
    hint: `\`gangway network disconnect ${network.name} ${names[0]}\` unplugs one, \`gangway stop\` ends it`,
  });
}
