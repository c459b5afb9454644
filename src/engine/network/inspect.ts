/** `gangway network ls` and `network inspect`: reads records; changes nothing, needs no lock. */
import { bootId } from '../../kernel/boot.ts';
import { occupancy } from '../../services/ipam-usage.ts';
import type { Context } from '../context.ts';
import { usedAddresses } from '../endpoint/allocate.ts';
import type { NetworkInspection } from '../engine.ts';
import { findNetwork, hasMode, listNetworks, networkNotFound } from '../store/network-lookup.ts';
import { containersWithRun, type NetworkRecord, type RunningContainer } from '../store/record.ts';

/**
 * A network by its id, its name or the beginning of its id.
 *
 * @throws GangwayError network-not-found
 */
export function inspectNetwork(context: Context, reference: string): NetworkInspection {
  const meant = reference === 'default' ? 'bridge' : reference;
  const summary = findNetwork(listNetworks(context), ({ name }) => name, meant);
  if (summary === undefined) throw networkNotFound(reference);
  const record = context.records.networkById(summary.id);
  const containers = containersWithRun(context.records.containers(), bootId());
  const subnets = record?.network.subnets ?? [];
  const used = usedAddresses(containers, summary.id);
  return {
    ...summary,
    subnets,
    occupancies: subnets.map((subnet) => occupancy(subnet, used)),
    ...(record?.request?.egress === undefined ? {} : { egress: record.request.egress }),
    attachable: record?.request?.attachable ?? false,
    options: record?.request?.options ?? (record === undefined ? {} : defaultOptions(record)),
    containers:
      record === undefined
        ? containers.filter((container) => hasMode(container, summary.name)).map(memberOfStack)
        : containers.flatMap((container) => membersOf(record, container)),
  };
}

function defaultOptions({ network }: NetworkRecord): Readonly<Record<string, string>> {
  return network.kind !== 'bridge'
    ? {}
    : {
        'com.docker.network.bridge.default_bridge': 'true',
        'com.docker.network.bridge.enable_icc': String(network.interContainer),
        'com.docker.network.bridge.enable_ip_masquerade': String(network.masquerade),
        'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
        'com.docker.network.bridge.name': network.bridge,
        'com.docker.network.driver.mtu': String(network.mtuBytes),
      };
}

function memberOfStack({ id, name }: RunningContainer): NetworkInspection['containers'][number] {
  return { id, name, endpointId: '', addresses: [] };
}

function membersOf(record: NetworkRecord, { id, name, life }: RunningContainer): NetworkInspection['containers'] {
  return life.plugs
    .filter(({ networkId }) => networkId === record.id)
    .map(({ endpoint }) => ({ id, name, endpointId: endpoint.id, mac: endpoint.mac, addresses: endpoint.addresses }));
}
