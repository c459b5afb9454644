/**
 * The grammar of `-p` and `--expose`.
 *
 *     -p       [ADDRESS:][HOST[-END]:]CONTAINER[-END][/tcp|udp|sctp]
 *     --expose CONTAINER[-END][/tcp|udp|sctp]
 *
 * Reading goes from the right, because only the container's port is always there: what stands before the last colon is
 * the host's side, and what stands before the last colon of that is an address, an IPv6 one in brackets. `formatPublish`
 * is the inverse: it writes the text that reads back as the same value.
 *
 * Host port 0, like none at all, asks for any free ephemeral port. Container port 0 is refused, although Docker takes
 * it: no packet can arrive there.
 */
import {
  type Address,
  type Family,
  formatAddress,
  formatHost,
  isAddress,
  isHostAddress,
  isUnspecified,
  parseAddress,
  plainAddress,
  sameAddress,
} from './address.ts';
import { GangwayError } from './errors.ts';
import { isProtocol, type Port, type PortBinding, type PortRange, type Protocol, type PublishedPort } from './port.ts';

/**
 * Reads one `-p`.
 *
 * @throws GangwayError invalid-port, invalid-address
 */
export function parsePublish(text: string): PublishedPort {
  const { ports, protocol } = splitProtocol(text);
  const [host, container] = splitLast(ports);
  if (container === '') throw invalidPort(`no container port in "${text}"`, 'write -p 8080:80, the host port first');
  const [address, hostPort] = host === undefined ? [undefined, ''] : splitHost(host);
  const containerPort = parseRange(container, 'container port');
  const hostRange = hostPort === '' || hostPort === '0' ? undefined : parseRange(hostPort, 'host port');
  if (hostRange !== undefined) requireMatch(hostRange, containerPort);
  return {
    protocol,
    ...(address !== undefined && { hostAddress: parseHostAddress(address) }),
    ...(hostRange !== undefined && { hostPort: hostRange }),
    containerPort,
  };
}

/** The text that `parsePublish` reads as this value. */
export function formatPublish(published: PublishedPort): string {
  const { hostAddress, hostPort, containerPort, protocol } = published;
  const address = hostAddress === undefined ? '' : `${formatHost(hostAddress)}:`;
  const host = hostPort === undefined ? (address === '' ? '' : ':') : `${formatRange(hostPort)}:`;
  return `${address}${host}${formatRange(containerPort)}/${protocol}`;
}

/**
 * Reads one `--expose`; a range becomes its ports.
 *
 * @throws GangwayError invalid-port
 */
export function parseExpose(text: string): readonly Port[] {
  return parsePorts(text, 'exposed port');
}

/**
 * Reads ports of a container; a range becomes its ports.
 *
 * @param what how messages call them
 * @throws GangwayError invalid-port
 */
export function parsePorts(text: string, what: string): readonly Port[] {
  const { ports, protocol } = splitProtocol(text);
  const { first, last } = parseRange(ports, what);
  return Array.from({ length: last - first + 1 }, (_, index) => ({ port: first + index, protocol }));
}

/**
 * Reads the port that `gangway port NAME PORT` asks for: `80` or `80/udp`.
 *
 * @throws GangwayError invalid-port
 */
export function parsePort(text: string): Port {
  const { ports, protocol } = splitProtocol(text);
  return { port: parseNumber(ports, ports, 'port'), protocol };
}

/** `80/tcp` */
export function formatPort(port: Port): string {
  return `${port.port}/${port.protocol}`;
}

/** `0.0.0.0:8080/tcp`, `[::1]:53/udp`: the host's side of a binding. */
export function formatBinding({ hostAddress, hostPort, protocol }: PortBinding): string {
  return `${formatHost(hostAddress)}:${hostPort}/${protocol}`;
}

/** `80/tcp -> 0.0.0.0:8080`: from the container's side to the host's. */
export function formatLeading({ containerPort, protocol, hostAddress, hostPort }: PortBinding): string {
  return `${formatPort({ port: containerPort, protocol })} -> ${formatHost(hostAddress)}:${hostPort}`;
}

/**
 * Refuses a request that publishes one port of the host twice, before anything is made.
 *
 * A longer host range than the container's is no claim on any one port of it, so it can't clash here.
 *
 * @throws GangwayError invalid-port
 */
export function refuseOverlaps(published: readonly PublishedPort[]): void {
  const claims = published.filter(claimsEveryPort);
  for (const [index, claim] of claims.entries()) {
    const rival = claims.slice(0, index).find((other) => clash(claim, other));
    if (rival === undefined) continue;
    throw invalidPort(
      `${formatPublish(rival)} and ${formatPublish(claim)} publish the same port of the host`,
      'give each its own host port',
    );
  }
}

/** Does it name each port of the host, and leave no choice? */
export function claimsEveryPort({ hostPort, containerPort }: PublishedPort): boolean {
  return hostPort !== undefined && size(hostPort) === size(containerPort);
}

function clash(a: PublishedPort, b: PublishedPort): boolean {
  if (a.protocol !== b.protocol || a.hostPort === undefined || b.hostPort === undefined) return false;
  const portsMeet = a.hostPort.first <= b.hostPort.last && b.hostPort.first <= a.hostPort.last;
  return portsMeet && addressesMeet(a.hostAddress, b.hostAddress);
}

/** An absent address is every address of both families; 0.0.0.0 and :: are every address of theirs. */
function addressesMeet(a: Address | undefined, b: Address | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return a.family === b.family && (isUnspecified(a) || isUnspecified(b) || sameAddress(a, b));
}

function splitProtocol(text: string): { readonly ports: string; readonly protocol: Protocol } {
  const slash = text.indexOf('/');
  const ports = slash === -1 ? text : text.slice(0, slash);
  if (ports === '') throw invalidPort('no port specified', 'write -p 8080:80, or -p 80 for any free host port');
  return { ports, protocol: slash === -1 ? 'tcp' : parseProtocol(text.slice(slash + 1)) };
}

/** @throws GangwayError invalid-port */
export function parseProtocol(text: string): Protocol {
  const protocol = text.toLowerCase();
  if (isProtocol(protocol)) return protocol;
  throw invalidPort(`invalid protocol "${text}"`, 'ports are tcp, udp or sctp');
}

/** What stands before the last colon, where there is one, and after it. */
function splitLast(text: string): readonly [string | undefined, string] {
  const colon = text.lastIndexOf(':');
  return colon === -1 ? [undefined, text] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** The host's side: an address, where there is one, and the port's text, which may be empty. */
function splitHost(text: string): readonly [string | undefined, string] {
  if (/^\[[^\]]*\]$/.test(text) || (!text.includes(':') && isAddress(text))) {
    throw invalidPort(`invalid host port "${text}"`, `write ${text}::CONTAINER for any free port of that address`);
  }
  const [address, port] = splitLast(text);
  return [address === '' ? undefined : address, port];
}

function parseHostAddress(text: string): Address {
  const [, bracketed] = /^\[(.*)\]$/.exec(text) ?? [];
  const family: Family = bracketed === undefined ? 4 : 6;
  const address = bracketed ?? text;
  if (isAddress(address)) {
    const parsed = parseAddress(address);
    const isOwn = plainAddress(parsed).family === family;
    if (parsed.family === family && isOwn && (isUnspecified(parsed) || isHostAddress(parsed))) return parsed;
  }
  throw new GangwayError('invalid-address', `invalid IP address "${text}"`, { hint: hostAddressHint(text) });
}

function hostAddressHint(text: string): string {
  const [, mapped] = /^\[(.*)\]$/.exec(text) ?? [];
  if (mapped !== undefined && isAddress(mapped)) {
    const plain = plainAddress(parseAddress(mapped));
    if (plain.family === 4) return `write ${formatAddress(plain)}: what sockets call it is no address of IPv6`;
  }
  if (text.includes(':') && isAddress(text)) return `write [${text}], an IPv6 address goes into brackets`;
  if (text === 'localhost') return 'write 127.0.0.1 or [::1]';
  return 'before the ports stands an address of this host, as in 127.0.0.1:8080:80 or [::1]:8080:80';
}

export function parseRange(text: string, what: string): PortRange {
  const [, first = text, last = first] = /^([^-]*)-(.*)$/.exec(text) ?? [];
  const range = { first: parseNumber(first, text, what), last: parseNumber(last, text, what) };
  if (range.first > range.last) throw invalidPort(`invalid ${what} "${text}"`, 'a range begins with its lower port');
  return range;
}

/** @param whole what the message quotes */
export function parseNumber(text: string, whole: string, what: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65535) return port;
  throw invalidPort(`invalid ${what} "${whole}"`, 'ports are numbers from 1 to 65535');
}

function requireMatch(host: PortRange, container: PortRange): void {
  if (size(container) === 1 || size(container) === size(host)) return;
  throw invalidPort(
    `host ports ${formatRange(host)} and container ports ${formatRange(container)} differ in number`,
    'give both sides equally many, or one container port and a range of host ports to choose from',
  );
}

export function size({ first, last }: PortRange): number {
  return last - first + 1;
}

export function formatRange({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function invalidPort(message: string, hint: string): GangwayError {
  return new GangwayError('invalid-port', message, { hint });
}

/** A request as requests for one port of the container each. */
export function singles(published: PublishedPort): readonly PublishedPort[] {
  const { containerPort, hostPort } = published;
  const count = size(containerPort);
  if (count === 1) return [published];
  return Array.from({ length: count }, (_, index) => ({
    ...published,
    containerPort: one(containerPort.first + index),
    ...(hostPort === undefined ? {} : { hostPort: one(hostPort.first + index) }),
  }));
}

function one(port: number): PortRange {
  return { first: port, last: port };
}
