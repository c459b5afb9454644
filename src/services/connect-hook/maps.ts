/**
 * What the programs of the connect hook look up and remember, and how it is written into their maps.
 *
 * Addresses of both families lie in sixteen bytes, those of IPv4 as ::ffff:127.0.0.1, as which a socket of IPv6 has them
 * anyway. So there is one map, in which a socket of either family finds what the other would.
 */
import { layout } from '../../kernel/bpf/layout.ts';
import { remoteOf, type TcpSocket } from '../../kernel/socket-diagnosis.ts';
import type { Elements } from '../../sys/bpf.ts';
import { type Address, toBytes } from '../../values/address.ts';
import { type PortBinding, protocolNumbers } from '../../values/port.ts';

/** What is published: the key of the map `ports`. Ports are as on the wire; a published 0.0.0.0 or :: ends in four zeros. */
export const portRows = { address: [4, 4], port: 4, protocol: 4 } as const;
export const port = layout('port', portRows);
/**
 * Where it leads. The number is the lead's own: a port that comes back has another one. `led` is how many sockets have been;
 * a program counts them.
 */
export const target = layout('target', { address: [4, 4], port: 4, number: 4, led: 8 });
/** What a socket remembers. */
export const flow = layout('flow', {
  asked: [4, 4],
  asked_port: 4,
  target: [4, 4],
  target_port: 4,
  number: 4,
});

export function keyOf(place: PortPlace, hostPort: number): Buffer {
  return keysOf(place, [hostPort]);
}

/** The keys of ports of one address, behind each other. */
export function keysOf({ protocol, hostAddress }: PortPlace, hostPorts: readonly number[]): Buffer {
  const one = withAddress(port, hostAddress);
  one.writeUInt32LE(protocolNumbers[protocol], port.protocol.offset);
  const keys = Buffer.alloc(port.bytes * hostPorts.length, one);
  for (const [place, number] of hostPorts.entries()) keys.writeUInt16BE(number, place * port.bytes + port.port.offset);
  return keys;
}

export type PortPlace = Pick<PortBinding, 'protocol' | 'hostAddress'>;

/**
 * Where they lead, behind each other.
 *
 * @param number what the sockets that are led by the first are known by; those of the others have the next ones
 */
export function valuesOf(address: Address, containerPorts: readonly number[], number: number): Buffer {
  const values = Buffer.alloc(target.bytes * containerPorts.length, withAddress(target, address));
  for (const [place, containerPort] of containerPorts.entries()) {
    const value = place * target.bytes;
    values.writeUInt16BE(containerPort, value + target.port.offset);
    values.writeUInt32LE(number + place, value + target.number.offset);
  }
  return values;
}

/** How many sockets have been led, from what the map `ports` has of ports: the keys of those by which there were some. */
export function redirectCounts({ keys, values }: Elements): ReadonlyMap<string, number> {
  const led = new Map<string, number>();
  for (let place = 0; place * target.bytes < values.length; place++) {
    const count = Number(values.readBigUInt64LE(place * target.bytes + target.led.offset));
    if (count > 0) led.set(keys.toString('latin1', place * port.bytes, (place + 1) * port.bytes), count);
  }
  return led;
}

/** By which lead a socket was led, from what it remembers. */
export function redirectIdOf(stored: Buffer): number {
  return stored.readUInt32LE(flow.number.offset);
}

/** Does it still speak with whom it was led to? Who was refused there may have connected it elsewhere. */
export function isRedirected({ family, identity, stored }: TcpSocket): boolean {
  const start = flow.target[0]?.offset ?? 0;
  const remote = remoteOf(identity);
  const address = inSixteen(family === 6 ? remote.address : remote.address.subarray(0, 4));
  const port = stored.subarray(flow.target_port.offset, flow.target_port.offset + 2);
  return port.equals(remote.port) && stored.subarray(start, start + 16).equals(address);
}

/** A struct that begins with an address. (A port is in network order, in the first two of its four bytes.) */
function withAddress(struct: typeof port | typeof target, address: Address): Buffer {
  const bytes = Buffer.alloc(struct.bytes);
  bytes.set(inSixteen(toBytes(address)));
  return bytes;
}

/** As IPv6 writes an address of IPv4. */
function inSixteen(address: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.set(address, 16 - address.length);
  if (address.length === 4) bytes.writeUInt16BE(0xffff, 10);
  return bytes;
}
