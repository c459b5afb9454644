/**
 * `--proxy-protocol PORT`: whose clients are introduced by a header.
 *
 * It is the container's port that is named, and not the machine's: a server expects the header of every client or of none,
 * by whichever way it came.
 */
import type { ContainerRequest } from './container.ts';
import { GangwayError } from './errors.ts';
import type { Port, PortBinding } from './port.ts';
import { formatPort, parsePorts } from './port-grammar.ts';

/**
 * Reads one `--proxy-protocol`: `80`, `80/tcp`, `8000-8010`.
 *
 * @throws GangwayError invalid-port; not-supported for UDP
 */
export function parseProxyProtocol(text: string): readonly Port[] {
  const ports = parsePorts(text, 'port');
  if (ports.every(({ protocol }) => protocol === 'tcp')) return ports;
  throw new GangwayError(
    'not-supported',
    `the PROXY protocol introduces clients of tcp, and --proxy-protocol ${text} is udp`,
    {
      hint: 'leave it out: the firewall keeps the address of whoever asks over udp, but for clients on loopback or of the other family',
    },
  );
}

type Asked = Pick<ContainerRequest, 'publish' | 'publishAll' | 'expose' | 'proxyProtocol'>;

/** The request with these ports as well. */
export function withProxyProtocol<T extends Asked>(request: T, ports: readonly Port[]): T {
  const all = new Map([...(request.proxyProtocol ?? []), ...ports].map((port) => [formatPort(port), port]));
  return all.size === 0 ? request : { ...request, proxyProtocol: [...all.values()] };
}

/** @throws GangwayError port-not-published for a port to which none of the machine leads */
export function refuseUnpublished(request: Asked): void {
  const stray = request.proxyProtocol?.find((port) => !isPublished(request, port));
  if (stray === undefined) return;
  throw new GangwayError('port-not-published', `--proxy-protocol ${formatPort(stray)}: no published port leads there`, {
    hint: `publish it as well, as in -p 8080:${stray.port}`,
  });
}

/** What is published no more has no clients to be introduced. */
export function forgetUnpublished<T extends Asked>({
  proxyProtocol = [],
  ...request
}: T): Omit<T, 'proxyProtocol'> & Asked {
  const left = proxyProtocol.filter((port) => isPublished(request, port));
  return left.length === 0 ? request : { ...request, proxyProtocol: left };
}

/** The bindings of a request's ports, with what it says of their clients. */
export function introducing({ proxyProtocol = [] }: Asked): (binding: PortBinding) => PortBinding {
  const named = new Set(proxyProtocol.map(formatPort));
  return (binding) =>
    named.has(formatPort({ port: binding.containerPort, protocol: binding.protocol }))
      ? { ...binding, clientAddress: 'header' }
      : binding;
}

function isPublished({ publish, publishAll, expose }: Asked, { port, protocol }: Port): boolean {
  const named = publish.some(
    ({ containerPort, ...other }) =>
      other.protocol === protocol && containerPort.first <= port && port <= containerPort.last,
  );
  return named || (publishAll && expose.some((other) => other.port === port && other.protocol === protocol));
}
