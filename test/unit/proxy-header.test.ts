import test from 'ava';
import fc from 'fast-check';
import { proxyHeader } from '../../src/services/proxy/client-address.ts';
import type { Endpoint } from '../../src/sys/inet-socket.ts';
import { type Family, formatAddress, fromBytes, parseAddress } from '../../src/values/address.ts';

const at = (address: string, port: number): Endpoint => ({ address: parseAddress(address), port });

test('IPv4: the bytes that section 2.2 of the specification asks for', (t) => {
  t.is(
    proxyHeader(at('203.0.113.2', 0x1234), at('198.51.100.1', 443)).toString('hex'),
    ['0d0a0d0a000d0a515549540a', '21', '11', '000c', 'cb007102', 'c6336401', '1234', '01bb'].join(''),
  );
});

test('IPv6: the same with longer addresses', (t) => {
  const [client, server] = ['20010db8000000000000000000000002', '20010db8000000000000000000000001'];
  t.is(
    proxyHeader(at('2001:db8::2', 65_535), at('2001:db8::1', 1)).toString('hex'),
    ['0d0a0d0a000d0a515549540a', '21', '21', '0024', client, server, 'ffff', '0001'].join(''),
  );
});

test('IPv4 that a socket of IPv6 speaks is IPv4', (t) => {
  t.deepEqual(
    proxyHeader(at('::ffff:203.0.113.2', 4660), at('::ffff:198.51.100.1', 443)),
    proxyHeader(at('203.0.113.2', 4660), at('198.51.100.1', 443)),
  );
});

/** As a server reads it, by the specification alone. */
function read(header: Buffer): readonly string[] {
  const family: Family = header.readUInt8(13) === 0x11 ? 4 : 6;
  const width = family === 4 ? 4 : 16;
  if (header.length !== 16 + header.readUInt16BE(14)) throw new Error('the length is another one');
  const address = (from: number) => formatAddress(fromBytes(header.subarray(from, from + width)));
  return [
    `${address(16)} ${header.readUInt16BE(16 + 2 * width)}`,
    `${address(16 + width)} ${header.readUInt16BE(18 + 2 * width)}`,
  ];
}

const bytes = (family: Family) => fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 });
const endpoint = (family: Family) =>
  fc.record({ address: bytes(family).map(fromBytes), port: fc.integer({ min: 0, max: 65_535 }) });
const ends = fc.constantFrom<Family>(4, 6).chain((family) => fc.tuple(endpoint(family), endpoint(family)));

test('whoever reads a header knows both ends', (t) => {
  fc.assert(
    fc.property(ends, ([client, server]) => {
      const written = [client, server].map(({ address, port }) => `${formatAddress(address)} ${port}`);
      t.deepEqual(read(proxyHeader(client, server)), written);
    }),
  );
});
