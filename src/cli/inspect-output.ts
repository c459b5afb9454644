/** What the two inspect commands share: the array that is printed, and a network in docker's words. */
import type { NetworkInspection, Traffic } from '../engine/engine.ts';
import type { Occupancy } from '../services/ipam-usage.ts';
import { formatAddress, formatPrefix } from '../values/address.ts';
import { formatEntry } from '../values/egress-grammar.ts';
import { predefinedNames, type Subnet } from '../values/network.ts';
import type { Context } from './command.ts';
import { type Format, jsonLines, parseFormat } from './format.ts';
import { printableJson } from './format-error.ts';
import { complain } from './print-error.ts';
import { fromJson } from './template/value.ts';
import { networkTraffic } from './traffic-columns.ts';

/** The fields whose object is a map: its keys are names that somebody gave, and a missing one is no mistake. */
const maps: ReadonlySet<string> = new Set([
  'AuxiliaryAddresses',
  'Containers',
  'DriverOpts',
  'ExposedPorts',
  'Labels',
  'Networks',
  'Options',
  'PortBindings',
  'Ports',
  'Relayed',
  'Subnets',
  'Sysctls',
]);

/**
 * Prints what was found: as one JSON array, or each as the template says; and then complains about the rest.
 *
 * @returns 0, or 1 if any was not found or does not have what the template asks for
 */
export async function inspectEach(
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
  for (const failure of failures) complain(failure, context);
  return failures.length === 0 ? 0 : 1;
}

/** One object, as `--format` has it. @throws UsageError where a template asks for what it does not have */
export function formatObject(object: object, format: Exclude<Format, { readonly kind: 'plain' }>): string {
  if (format.kind === 'json') return jsonLines([object]);
  const data = fromJson(JSON.parse(JSON.stringify(object)), maps);
  return `${format.template.execute(data)}\n`;
}

/** A network as `docker network inspect` shows it, and what the firewall has counted of it. */
export function networkObject(network: NetworkInspection, traffic?: Traffic): object {
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
      // Docker writes for those that are always there that they have no options, and for others which: none.
      Options: predefinedNames.includes(network.name) ? null : {},
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
    // Docker has no word for either.
    ...(traffic === undefined ? {} : { Traffic: networkTraffic(traffic, network.id) }),
    ...(egress === undefined
      ? {}
      : { Egress: { Allow: egress.allow.map(formatEntry), Deny: egress.deny.map(formatEntry) } }),
    Status: {
      IPAM: {
        Subnets: Object.fromEntries(
          subnets.flatMap(({ subnet }, index) => {
            const full = occupancies[index];
            return full === undefined ? [] : [[formatPrefix(subnet), occupancyObject(full)]];
          }),
        ),
      },
    },
  };
}

/** At most what every reader of JSON holds exactly: an IPv6 subnet has more. */
function occupancyObject({ inUse, available }: Occupancy): object {
  const held = (count: bigint) => Number(count > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : count);
  return { IPsInUse: held(inUse), DynamicIPsAvailable: held(available) };
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
