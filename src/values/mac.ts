/** Ethernet addresses. */
import { createHash } from 'node:crypto';
import { type Address, fromBytes, toBytes } from './address.ts';
import { GangwayError } from './errors.ts';

/** Six bytes in lower-case hexadecimal, `02:42:ac:11:00:02`: the way that the kernel's tools print them. */
export type Mac = string & { readonly mac: unique symbol };

/** @throws GangwayError invalid-address for anything but six bytes of a unicast address */
export function parseMac(text: string): Mac {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) {
    throw new GangwayError('invalid-address', `${JSON.stringify(text)} is no MAC address`, {
      hint: 'write six bytes, as in 02:42:0a:01:02:09',
    });
  }
  const bytes = macBytes(text.toLowerCase() as Mac);
  if (bytes.every((byte) => byte === 0)) {
    throw new GangwayError('invalid-address', `${text} is nobody’s mac address`, {
      hint: 'leave it out, or write one such as 02:42:00:00:00:01',
    });
  }
  if (((bytes[0] ?? 0) & 1) === 1) {
    throw new GangwayError('invalid-address', `${text} is a multicast address`, {
      hint: 'the second digit of an interface address is even',
    });
  }
  return text.toLowerCase() as Mac;
}

export function macBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));
}

/**
 * A locally administered unicast address from six random bytes.
 *
 * Bit 1 of the first byte says "locally administered", bit 0 "multicast" (IEEE 802, RFC 9542 section 2.1).
 */
export function localMac(random: Uint8Array): Mac {
  const bytes = Uint8Array.from(random.subarray(0, 6));
  bytes[0] = ((bytes[0] ?? 0) | 0x02) & 0xfe;
  return formatMac(bytes);
}

/**
 * The MAC address that belongs to an address. Of IPv4 it is `02:42:` and the four bytes, 172.17.0.2 has 02:42:ac:11:00:02.
 * The sixteen of IPv6 don't fit, and any part of them may be the same in two addresses of a network: it is `02:` and five
 * bytes of a hash of all.
 *
 * Whoever gets an address that another container had gets its MAC too, and no neighbour's table is ever wrong.
 */
export function macOf(address: Address): Mac {
  const bytes = toBytes(address);
  if (address.family === 4) return formatMac(Uint8Array.of(0x02, 0x42, ...bytes));
  return formatMac(Uint8Array.of(0x02, ...createHash('sha256').update(bytes).digest().subarray(0, 5)));
}

/** The address that the kernel makes of a MAC for the link alone: fe80::/64 and the modified EUI-64. @see RFC 4291, appendix A */
export function linkLocalOf(mac: Mac): Address {
  const [first = 0, ...rest] = macBytes(mac);
  return fromBytes([0xfe, 0x80, 0, 0, 0, 0, 0, 0, first ^ 0x02, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)]);
}

export function formatMac(bytes: Uint8Array): Mac {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':') as Mac;
}
