/** Published ports, a line each: `80/tcp -> 0.0.0.0:8080`. */
import { formatHost } from '../values/address.ts';
import { order } from '../values/order.ts';
import type { PortBinding } from '../values/port.ts';
import { formatLeading } from '../values/port-grammar.ts';

/** @param withPort the container's side, too */
export function portLines(bindings: readonly PortBinding[], withPort: boolean): string {
  const line = (binding: PortBinding) =>
    withPort ? formatLeading(binding) : `${formatHost(binding.hostAddress)}:${binding.hostPort}`;
  return byPort(bindings)
    .map((binding) => `${line(binding)}\n`)
    .join('');
}

/** In the order of the lines' text, where numbers count as such: docker's. */
export function byPort(bindings: readonly PortBinding[]): readonly PortBinding[] {
  return bindings.toSorted(
    (a, b) =>
      a.containerPort - b.containerPort ||
      order(a.protocol, b.protocol) ||
      order(a.hostAddress.family, b.hostAddress.family) ||
      (a.hostAddress.family === 4
        ? order(a.hostAddress.value, b.hostAddress.value)
        : order(formatHost(a.hostAddress), formatHost(b.hostAddress))) ||
      a.hostPort - b.hostPort,
  );
}
