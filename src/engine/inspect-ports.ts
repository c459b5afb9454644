/** A container's ports in docker's words: as they were asked for, and as they are. */
import { formatAddress } from '../values/address.ts';
import type { ContainerRequest } from '../values/container.ts';
import type { Forward, Port, PortRange, PublishedPort } from '../values/port.ts';
import { formatPort, formatRange, size } from '../values/port-grammar.ts';

/** `.Config.ExposedPorts`: what is published is exposed, too. */
export function exposedPorts({ publish, expose }: Pick<ContainerRequest, 'publish' | 'expose'>): object {
  const published = publish.flatMap(({ protocol, containerPort }) =>
    each(containerPort).map((port): Port => ({ port, protocol })),
  );
  return Object.fromEntries([...published, ...expose].map((port) => [formatPort(port), {}]));
}

/** `.HostConfig.PortBindings`: what `-p` asked for, port by port; where it named no address or no port, nothing stands. */
export function portBindings(published: readonly PublishedPort[]): object {
  return gathered(
    published.flatMap(({ protocol, hostAddress, hostPort, containerPort }) =>
      each(containerPort).map((port, index) => ({
        port: { port, protocol },
        binding: {
          HostIp: hostAddress === undefined ? '' : formatAddress(hostAddress),
          HostPort: hostPort === undefined ? '' : hostText(hostPort, containerPort, index),
        },
      })),
    ),
  );
}

/** `.NetworkSettings.Ports`: published ports with their host side; exposed ones without. */
export function forwardedPorts(forwards: readonly Forward[], exposed: readonly Port[]): object {
  const bound = forwards.map(({ binding: { protocol, containerPort, hostAddress, hostPort }, routed }) => ({
    port: { port: containerPort, protocol },
    binding: { HostIp: formatAddress(hostAddress), HostPort: routed === undefined ? String(hostPort) : '' },
  }));
  return { ...Object.fromEntries(exposed.map((port) => [formatPort(port), null])), ...gathered(bound) };
}

function gathered(all: readonly { readonly port: Port; readonly binding: object }[]): Record<string, object[]> {
  const found: Record<string, object[]> = {};
  for (const { port, binding } of all) found[formatPort(port)] = [...(found[formatPort(port)] ?? []), binding];
  return found;
}

/** Any one port of a range that is longer than the container's; else that of the same place. */
function hostText(host: PortRange, container: PortRange, index: number): string {
  return size(host) === size(container) ? String(host.first + index) : formatRange(host);
}

function each({ first, last }: PortRange): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
