/** A container's ports in docker's words: as they were asked for, and as they are. */
import { formatAddress } from '../../values/address.ts';
import type { ContainerRequest } from '../../values/container.ts';
import { grouped } from '../../values/grouped.ts';
import type { Forward, Port, PublishedPort } from '../../values/port.ts';
import { formatPort, formatRange, singles } from '../../values/port-grammar.ts';
import { present } from '../../values/present.ts';

/** `.Config.ExposedPorts`: what is published is exposed, too. */
export function exposedPorts({ publish, expose }: Pick<ContainerRequest, 'publish' | 'expose'>): object {
  const published = publish
    .flatMap(singles)
    .map(({ protocol, containerPort }): Port => ({ port: containerPort.first, protocol }));
  return Object.fromEntries([...published, ...expose].map((port) => [formatPort(port), {}]));
}

/** `.HostConfig.PortBindings`: what `-p` asked for, port by port; where it named no address or no port, nothing stands. */
export function portBindings(published: readonly PublishedPort[]): object {
  return gathered(
    published.flatMap(singles).map(({ protocol, hostAddress, hostPort, containerPort }) => ({
      port: { port: containerPort.first, protocol },
      binding: {
        HostIp: hostAddress === undefined ? '' : formatAddress(hostAddress),
        HostPort: hostPort === undefined ? '' : formatRange(hostPort),
      },
    })),
  );
}

/**
 * `.NetworkSettings.Ports`: published ports with their host side; exposed ones without. `ClientAddress` is ours, of ports
 * whose clients a relay introduces.
 */
export function forwardedPorts(forwards: readonly Forward[], exposed: readonly Port[]): object {
  const bound = forwards.map(
    ({ binding: { protocol, containerPort, hostAddress, hostPort, clientAddress }, routed }) => ({
      port: { port: containerPort, protocol },
      binding: {
        HostIp: formatAddress(hostAddress),
        HostPort: routed === undefined ? String(hostPort) : '',
        ...present({ ClientAddress: clientAddress }),
      },
    }),
  );
  return { ...Object.fromEntries(exposed.map((port) => [formatPort(port), null])), ...gathered(bound) };
}

function gathered(all: readonly { readonly port: Port; readonly binding: object }[]): Record<string, object[]> {
  const byPort = grouped(all, ({ port }) => formatPort(port));
  return Object.fromEntries([...byPort].map(([port, some]) => [port, some.map(({ binding }) => binding)]));
}
