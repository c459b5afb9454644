/** Published ports, a line each: `80/tcp -> 0.0.0.0:8080`. */
import { formatHost } from '../values/address.ts';
import type { PortBinding } from '../values/port.ts';
import { formatBinding, formatPort } from '../values/port-grammar.ts';

/** @param withPort the container's side, too */
export function portLines(bindings: readonly PortBinding[], withPort: boolean): string {
  return byPort(bindings)
    .map(({ containerPort, protocol, hostAddress, hostPort }) => {
      const inside = withPort ? `${formatPort({ port: containerPort, protocol })} -> ` : '';
      return `${inside}${formatHost(hostAddress)}:${hostPort}\n`;
    })
    .join('');
}

export function byPort(bindings: readonly PortBinding[]): readonly PortBinding[] {
  return bindings.toSorted((a, b) => a.containerPort - b.containerPort || inOrder(formatBinding(a), formatBinding(b)));
}

/** By their text, as docker has it. */
function inOrder(a: string, b: string): number {
  return Number(a > b) - Number(a < b);
}
