/** Ports and what `-p` says of them. */
import { type Address, contains, isLinkLocal, isLoopback, type Prefix, plainAddress } from './address.ts';

/** What has ports, with its number in a packet: IPPROTO_* in linux/in.h. */
export const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

export type Protocol = keyof typeof protocolNumbers;

export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

export function isProtocol(text: string): text is Protocol {
  return protocols.some((protocol) => protocol === text);
}

/** TCP and SCTP: who asks and who answers know of each other, until either has ended it. */
export function hasConnections(protocol: Protocol): boolean {
  return protocol !== 'udp';
}

/** One port of a container: 80/tcp. */
export interface Port {
  readonly port: number;
  readonly protocol: Protocol;
}

/**
 * One `-p`, range by range: `127.0.0.1:8080-8090:80-90/tcp`.
 *
 * `hostPort` is a range of which every port maps to the container's port of the same place, where the two are equally
 * long; where the container side is a single port and the host range is longer, any free one of the range; absent, any
 * free ephemeral port. An absent `hostAddress` means every address of the host, of both families.
 */
export interface PublishedPort {
  readonly protocol: Protocol;
  readonly hostAddress?: Address;
  readonly hostPort?: PortRange;
  readonly containerPort: PortRange;
}

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** A published port after allocation: this address and port of the host lead to that port of the container. */
export interface PortBinding {
  readonly protocol: Protocol;
  readonly hostAddress: Address;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly clientAddress?: ClientAddress;
}

/**
 * How the container learns who asks. For that a relay carries every connection of the port.
 *
 * `header`: it sends the address before the client's first byte, as the PROXY protocol has it. `transparent`: it connects from
 * that address, where the answers come back to it.
 *
 * Absent: the kernel leads to the container whom it can, and keeps the address; whom a relay carries has that of the bridge.
 */
export type ClientAddress = 'header' | 'transparent';

/** A published port, and the container's address to which it leads. */
export interface Forward {
  readonly binding: PortBinding;
  /** Its family may differ from the host address's: `[::]:8080` may lead to 172.17.0.2. */
  readonly target: Address;
  /** The network is routed: the container is reached at its own address, and no port of the machine is taken. */
  readonly routed?: true;
  /** Whom the container answers without this machine: nobody can connect in their name. Of transparent ports alone. */
  readonly near?: readonly Prefix[];
}

/** Can the kernel lead there by itself? It can't from one family to the other, and not from loopback; and it sends no header. */
export function isTranslated({ hostAddress, clientAddress }: PortBinding, target: Address): boolean {
  return hostAddress.family === target.family && !isLoopback(hostAddress) && clientAddress === undefined;
}

/**
 * The client's address, where a relay can connect to `target` in its name: not across families, not for one of a link or of
 * loopback, and not for whom the container answers by itself.
 */
export function transparentSource(client: Address, target: Address, near: Forward['near'] = []): Address | undefined {
  const source = plainAddress(client);
  if (source.family !== target.family || isLoopback(source) || isLinkLocal(source)) return undefined;
  return near.some((prefix) => contains(prefix, source)) ? undefined : source;
}
