/** What is told of containers and networks when something happens to them: docker's words, and docker's attributes. */
import type { ContainerAction, NetworkAction, Occurrence } from '../../values/event.ts';
import { order } from '../../values/order.ts';
import { predefinedNetworkId } from '../store/network-lookup.ts';
import type { ContainerRecord, NetworkRecord } from '../store/record.ts';

type Attributes = Readonly<Record<string, string>>;

export function containerEvent(
  { id, name }: ContainerRecord,
  action: ContainerAction,
  attributes: Attributes = {},
): Occurrence {
  return { type: 'container', action, id, attributes: sorted({ ...attributes, name }) };
}

export function networkEvent(
  { id, network: { name, kind: type } }: NetworkRecord,
  action: NetworkAction,
  attributes: Attributes = {},
): Occurrence {
  return { type: 'network', action, id, attributes: sorted({ ...attributes, name, type }) };
}

export function endpointEvent(
  { id: container }: ContainerRecord,
  network: NetworkRecord,
  action: 'connect' | 'disconnect',
): Occurrence {
  return networkEvent(network, action, { container });
}

/** Of all networks of a container, those among them that nobody made. Who lives in another one's stack has none. */
export function endpointEvents(
  record: ContainerRecord,
  networks: readonly NetworkRecord[],
  action: 'connect' | 'disconnect',
): readonly Occurrence[] {
  const { kind } = record.network;
  if (kind !== 'host' && kind !== 'none') return networks.map((network) => endpointEvent(record, network, action));
  const attributes = { container: record.id, name: kind, type: kind === 'none' ? 'null' : kind };
  return [{ type: 'network', action, id: predefinedNetworkId(kind), attributes }];
}

function sorted(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).toSorted(([a], [b]) => order(a, b)));
}
