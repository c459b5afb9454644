/**
 * What the programs of the connect hook look up and remember, and how it is written into their maps.
 *
 * Addresses of both families lie in sixteen bytes, those of IPv4 as ::ffff:127.0.0.1, as which a socket of IPv6 has them
 * anyway. So there is one map, in which a socket of either family finds what the other would.
 */
import { layout } from '../../kernel/bpf/layout.ts';
import { type Address, toBytes } from '../../values/address.ts';
import { type Forward, type PortBinding, protocolNumbers } from '../../values/port.ts';

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

export function keyOf({ protocol, hostAddress, hostPort }: PortBinding): Buffer {
  const key = withEndpoint(port, hostAddress, hostPort);
  key.writeUInt32LE(protocolNumbers[protocol], port.protocol.offset);
  return key;
}

/** @param number what the sockets that are led by it are known by */
export function leadsTo({ binding, target: address }: Forward, number: number): Buffer {
  const value = withEndpoint(target, address, binding.containerPort);
  value.writeUInt32LE(number, target.number.offset);
  return value;
}

/** How many sockets have been led, from what the map `ports` has of a port. */
export function ledBy(value: Buffer): number {
  return Number(value.readBigUInt64LE(target.led.offset));
}

/** By which lead a socket was led, from what it remembers. */
export function numberOf(stored: Buffer): number {
  return stored.readUInt32LE(flow.number.offset);
}

/** An address in sixteen bytes, as IPv6 writes one of IPv4, and a port in network order, which it is in the first two of four. */
function withEndpoint(struct: typeof port | typeof target, address: Address, number: number): Buffer {
  const bytes = Buffer.alloc(struct.bytes);
  const written = toBytes(address);
  bytes.set(written, 16 - written.length);
  if (address.family === 4) bytes.writeUInt16BE(0xffff, 10);
  bytes.writeUInt16BE(number, struct.port.offset);
  return bytes;
}
