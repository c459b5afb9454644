/** `gangway inspect` and `gangway network inspect`. */
import type { Engine, NetworkInspection, Traffic } from '../../engine/engine.ts';
import type { Occupancy } from '../../services/ipam-usage.ts';
import { formatAddress, formatPrefix } from '../../values/address.ts';
import { formatEntry } from '../../values/egress-grammar.ts';
import { GangwayError } from '../../values/errors.ts';
import { predefinedNames, type Subnet } from '../../values/network.ts';
import type { Context, Execute } from '../command.ts';
import type { inspectOptions } from '../container-options.ts';
import { formatObject, parseFormat } from '../format.ts';
import type { networkInspectOptions } from '../network-options.ts';
import { printError } from '../print-error.ts';
import { printableJson } from '../printable.ts';
import { containerTraffic, networkTraffic, type TrafficReader, trafficReader } from '../traffic-columns.ts';

export const inspect: Execute<typeof inspectOptions> = async ({ options, args }, context) => {
  const engine = await context.engine();
  const traffic = trafficReader(engine, options.format, context);
  return await inspectEach(args, options.format, context, (name) => findObject(engine, name, traffic));
};

export const inspectNetwork: Execute<typeof networkInspectOptions> = async ({ options, args }, context) => {
  const engine = await context.engine();
  const traffic = trafficReader(engine, options.format, context);
  return await inspectEach(args, options.format, context, async (name) =>
    networkObject(await engine.inspectNetwork(name), await traffic()),
  );
};

/** Finds a container with this name, or else a network. */
async function findObject(engine: Engine, name: string, traffic: TrafficReader): Promise<object> {
  try {
    const container = await engine.inspect(name);
    const counters = await traffic();
    return counters === undefined ? container : { ...container, Traffic: containerTraffic(counters, container.Id) };
  } catch (error) {
    if (!(error instanceof GangwayError && error.code === 'container-not-found')) throw error;
  }
  try {
    return networkObject(await engine.inspectNetwork(name), await traffic());
  } catch (error) {
    if (!(error instanceof GangwayError && error.code === 'network-not-found')) throw error;
    throw new GangwayError('container-not-found', `no container or network ${name || '""'}`, {
      hint: '`gangway ps -a` and `gangway network ls` list them',
    });
  }
}

/**
 * Prints the found objects as one JSON array, or each by the template; then prints the errors.
 *
 * @returns the exit status: 0, or 1 if an object is missing or lacks a field of the template
 */
async function inspectEach(
  names: readonly string[],
  formatText: string | undefined,
  context: Context,
  find: (name: string) => Promise<object>,
): Promise<number> {
  const format = await parseFormat(formatText);
  const found: object[] = [];
  const texts: string[] = [];
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      const object = await find(name);
      found.push(object);
      if (format.kind === 'template') texts.push(formatObject(object, format));
    } catch (error) {
      failures.push(error);
    }
  }
  const array = `${printableJson(found, format.kind === 'plain' ? 4 : 0)}\n`;
  context.stdout.write(format.kind === 'template' ? texts.join('') : array);
  for (const failure of failures) printError(failure, context);
  return failures.length === 0 ? 0 : 1;
}

/** Converts a network to Docker's JSON, with the traffic and the egress rules of gangway. */
function networkObject(network: NetworkInspection, traffic?: Traffic): object {
  const { subnets, occupancies, containers, egress } = network;
  const families = new Set(network.families);
  return {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt.toISOString(),
    Scope: network.scope,
    Driver: network.driver,
    EnableIPv4: families.has(4),
    EnableIPv6: families.has(6),
    IPAM: {
      Driver: 'default',
      // As in Docker: null for predefined networks, an empty object for others.
      Options: predefinedNames.includes(network.name) ? null : {},
      Config: subnets.map(subnetObject),
    },
    Containers: Object.fromEntries(containers.map((container) => [container.id, containerObject(container)])),
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Options: network.options,
    Labels: network.labels,
    ...(traffic === undefined ? {} : { Traffic: networkTraffic(traffic, network.id) }),
    ...(egress === undefined
      ? {}
      : { Egress: { Allow: egress.allow.map(formatEntry), Deny: egress.deny.map(formatEntry) } }),
    Status: {
      IPAM: {
        Subnets: Object.fromEntries(
          subnets.flatMap(({ subnet }, index) => {
            const occupancy = occupancies[index];
            return occupancy === undefined ? [] : [[formatPrefix(subnet), occupancyObject(occupancy)]];
          }),
        ),
      },
    },
  };
}

/** Limits the counts to numbers that JSON holds exactly: an IPv6 subnet has more addresses. */
function occupancyObject({ inUse, available }: Occupancy): object {
  const limited = (count: bigint) => Number(count > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : count);
  return { IPsInUse: limited(inUse), DynamicIPsAvailable: limited(available) };
}

function subnetObject({ subnet, range, gateway, auxiliary }: Subnet): object {
  const names = Object.entries(auxiliary).map(([name, address]) => [name, formatAddress(address)]);
  return {
    Subnet: formatPrefix(subnet),
    ...(range === undefined ? {} : { IPRange: formatPrefix(range) }),
    ...(gateway === undefined ? {} : { Gateway: formatAddress(gateway) }),
    ...(names.length === 0 ? {} : { AuxiliaryAddresses: Object.fromEntries(names) }),
  };
}

function containerObject({ name, endpointId, mac, addresses }: NetworkInspection['containers'][number]): object {
  const address = (family: number) => addresses.find((prefix) => prefix.address.family === family);
  const [v4, v6] = [address(4), address(6)];
  return {
    Name: name,
    EndpointID: endpointId,
    MacAddress: mac ?? '',
    IPv4Address: v4 === undefined ? '' : formatPrefix(v4),
    IPv6Address: v6 === undefined ? '' : formatPrefix(v6),
  };
}
