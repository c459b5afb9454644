/**
 * `--link`: what one container calls another one.
 *
 * In a network with names its name server knows it. The default bridge has no names: there a line of /etc/hosts says it,
 * as it is when the container starts.
 */
import type { HostEntry } from '../../networks/files.ts';
import { GangwayError } from '../../values/errors.ts';
import type { ConnectionRequest, NetworkMode } from '../../values/network.ts';
import { isAlive } from '../container-state.ts';
import type { ContainerRecord } from '../store/record.ts';
import type { Records } from '../store/record-store.ts';

type Link = ConnectionRequest['links'][number];

/** Those of the default bridge. In other networks a link may name somebody who is yet to come. */
export function linksOf(mode: NetworkMode): readonly Link[] {
  if (mode.kind !== 'networks') return [];
  return mode.connections.flatMap(({ network, links }) => (network === 'bridge' ? links : []));
}

/**
 * `172.17.0.2<TAB>store 5f2a8c0b1d3e db`: the alias, the host name, and the name.
 *
 * @throws GangwayError container-not-found, container-not-running
 */
export function linkLines(records: Pick<Records, 'container' | 'networks'>, mode: NetworkMode): readonly HostEntry[] {
  const links = linksOf(mode);
  if (links.length === 0) return [];
  const bridge = records.networks().find(({ network }) => network.name === 'bridge');
  return links.flatMap(({ container, alias }) => {
    const target = records.container(container);
    const name = [alias, target.hostname, ...(alias === target.name ? [] : [target.name])].join(' ');
    return addressesIn(target, bridge?.id).map((address) => ({ name, address }));
  });
}

function addressesIn({ name, life }: ContainerRecord, networkId: string | undefined) {
  const plug = life?.plugs.find((each) => each.networkId === networkId);
  if (plug !== undefined && life !== undefined && isAlive(life))
    return plug.endpoint.addresses.map(({ address }) => address);
  throw new GangwayError(
    'container-not-running',
    `cannot link to container ${name}: it does not run on the default bridge`,
    {
      hint: 'start it first, or let both use a network of your own: there its name is enough',
    },
  );
}
