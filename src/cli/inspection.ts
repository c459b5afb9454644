/** What the two inspect commands share: the array that is printed, and a network in docker's words. */
import type { NetworkInspection } from '../engine/engine.ts';
import { formatAddress, formatPrefix } from '../values/address.ts';
import type { Subnet } from '../values/network.ts';
import type { Context } from './command.ts';
import { complain } from './complain.ts';
import { jsonLines, parseFormat } from './format.ts';

/**
 * Prints what was found, as one JSON array or, with `--format json`, one object a line; and then complains about the rest.
 *
 * @returns 0, or 1 if any was not found
 */
export async function inspectEach(
  names: readonly string[],
  format: string | undefined,
  context: Context,
  find: (name: string) => Promise<object>,
): Promise<number> {
  const lines = parseFormat(format) === 'json';
  const found: object[] = [];
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      found.push(await find(name));
    } catch (error) {
      failures.push(error);
    }
  }
  context.stdout.write(lines ? jsonLines(found) : `${JSON.stringify(found, undefined, 4)}\n`);
  for (const failure of failures) complain(failure, context);
  return failures.length === 0 ? 0 : 1;
}

/** A network as `docker network inspect` shows it. */
export function networkObject(network: NetworkInspection): object {
  const { subnets, containers } = network;
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
      Options: null,
      Config: subnets.map(poolObject),
    },
    Containers: Object.fromEntries(containers.map((container) => [container.id, containerObject(container)])),
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Options: network.options,
    Labels: network.labels,
  };
}

function poolObject({ subnet, range, gateway, auxiliary }: Subnet): object {
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
