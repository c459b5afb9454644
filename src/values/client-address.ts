/**
 * `--proxy-protocol PORT` and `--transparent-source PORT`: how a container learns who asks, where a relay tells it.
 *
 * It is the container's port that is named, and not the machine's: a server expects the same of every client, by whichever
 * way it came.
 */
import type { ContainerRequest } from './container.ts';
import { GangwayError } from './errors.ts';
import type { ClientAddress, Port, PortBinding } from './port.ts';
import { formatPort, parsePorts } from './port-grammar.ts';

/** Of a request, by the fields in which they stand. */
export type IntroducedPorts = Pick<ContainerRequest, 'proxyProtocol' | 'transparentSource'>;

interface Way {
  readonly field: keyof IntroducedPorts;
  readonly option: string;
  readonly clientAddress: ClientAddress;
}

const ways: readonly Way[] = [
  { field: 'proxyProtocol', option: '--proxy-protocol', clientAddress: 'header' },
  { field: 'transparentSource', option: '--transparent-source', clientAddress: 'transparent' },
];

/** The option that asks for it. */
export function optionOf(clientAddress: ClientAddress): string {
  return ways.find((way) => way.clientAddress === clientAddress)?.option ?? '';
}

/** Both options as they were typed. @throws GangwayError invalid-port; not-supported but for TCP */
export function parseIntroduced(texts: Readonly<Record<keyof IntroducedPorts, readonly string[]>>): IntroducedPorts {
  return listed(({ field, option }) => texts[field].flatMap((text) => parseOne(option, text)));
}

/** Holds what a program asks to what a person may type. @throws GangwayError invalid-port; not-supported but for TCP */
export function checkIntroduced(asked: IntroducedPorts): IntroducedPorts {
  return listed(({ field, option }) => (asked[field] ?? []).flatMap((port) => parseOne(option, formatPort(port))));
}

/** `80`, `80/tcp`, `8000-8010` */
function parseOne(option: string, text: string): readonly Port[] {
  const ports = parsePorts(text, 'port');
  const other = ports.find(({ protocol }) => protocol !== 'tcp')?.protocol;
  if (other === undefined) return ports;
  throw new GangwayError('not-supported', `clients are introduced over tcp, and ${option} ${text} is ${other}`, {
    hint: `leave it out: the firewall keeps the address of whoever asks over ${other}, but for clients on loopback or of the other family`,
  });
}

type Asked = Pick<ContainerRequest, 'publish' | 'publishAll' | 'expose'> & IntroducedPorts;

/** The request with these ports as well. */
export function withIntroduced<T extends Asked>(request: T, added: IntroducedPorts): T {
  return { ...request, ...listed(({ field }) => [...(request[field] ?? []), ...(added[field] ?? [])]) };
}

/**
 * @throws GangwayError port-not-published for a port to which none of the machine leads; conflicting-options for one that is
 *   named twice
 */
export function refuseAimless(request: Asked): void {
  const published = publishedPorts(request);
  for (const { field, option } of ways) {
    const stray = request[field]?.find((port) => !published(port));
    if (stray === undefined) continue;
    throw new GangwayError('port-not-published', `${option} ${formatPort(stray)}: no published port leads there`, {
      hint: `publish it as well, as in -p 8080:${stray.port}`,
    });
  }
  const headed = new Set(request.proxyProtocol?.map(formatPort));
  const both = request.transparentSource?.map(formatPort).find((port) => headed.has(port));
  if (both === undefined) return;
  throw new GangwayError('conflicting-options', `clients of port ${both} are to be introduced in two ways`, {
    hint: 'give either --proxy-protocol or --transparent-source',
  });
}

/** What is published no more has no clients to be introduced. */
export function forgetUnpublished<T extends Asked>({ proxyProtocol, transparentSource, ...request }: T) {
  const had: IntroducedPorts = {
    ...(proxyProtocol && { proxyProtocol }),
    ...(transparentSource && { transparentSource }),
  };
  const published = publishedPorts(request);
  return { ...request, ...listed(({ field }) => (had[field] ?? []).filter(published)) };
}

/** The bindings of a request's ports, with what it says of their clients. */
export function introducing(request: IntroducedPorts): (binding: PortBinding) => PortBinding {
  const named = new Map(
    ways.flatMap(({ field, clientAddress }) => (request[field] ?? []).map((port) => [formatPort(port), clientAddress])),
  );
  return (binding) => {
    const clientAddress = named.get(formatPort({ port: binding.containerPort, protocol: binding.protocol }));
    return clientAddress === undefined ? binding : { ...binding, clientAddress };
  };
}

/** Each port once, and no list that is empty. */
function listed(of: (way: Way) => readonly Port[]): IntroducedPorts {
  const lists = ways.map((way) => {
    const ports = new Map(of(way).map((port) => [formatPort(port), port]));
    return [way.field, [...ports.values()]] as const;
  });
  return Object.fromEntries(lists.filter(([, ports]) => ports.length > 0));
}

/** Which ports of the container somebody publishes; there may be thousands of both. */
function publishedPorts({ publish, publishAll, expose }: Omit<Asked, keyof IntroducedPorts>): (port: Port) => boolean {
  const exposed = new Set(publishAll ? expose.map(formatPort) : []);
  return (asked) =>
    exposed.has(formatPort(asked)) ||
    publish.some(
      ({ protocol, containerPort: { first, last } }) =>
        protocol === asked.protocol && first <= asked.port && asked.port <= last,
    );
}
