import test from 'ava';
import fc from 'fast-check';
import { attributes, headed, list, struct } from '../../src/netlink/attributes.ts';
import {
  address,
  binary,
  type Codec,
  cstring,
  flag,
  mac,
  u8,
  u16,
  u16be,
  u32,
  u32be,
  u64,
  u64be,
} from '../../src/netlink/codec.ts';
import { Writer } from '../../src/netlink/writer.ts';
import { formatAddress, fromBytes, parseAddress } from '../../src/values/address.ts';
import { formatMac, parseMac } from '../../src/values/mac.ts';
import { attribute } from '../support/netlink.ts';

function write<T>(codec: Codec<T>, value: T): Buffer {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.buffer.subarray(0, writer.length);
}

const inner = attributes({ number: [1, u8], port: [2, u16be], name: [3, cstring] });
const head = struct({ kind: [1, u8], length: [1, u8], port: [2, u16be], index: [4, u32] });
const table = attributes({
  tiny: [1, u8],
  small: [2, u16],
  port: [3, u16be],
  index: [4, u32],
  code: [5, u32be],
  bytes: [6, u64],
  handle: [7, u64be],
  name: [8, cstring],
  data: [9, binary],
  here: [10, flag],
  address: [11, address],
  mac: [12, mac],
  inner: [13, inner],
  entries: [14, list(1, inner)],
  peer: [15, headed(head, inner)],
});

const number = (width: number) => fc.integer({ min: 0, max: 2 ** width - 1 });
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !value.includes('\0'));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const innerValue = fc.record({ number: number(8), port: number(16), name: text }, { requiredKeys: [] });
const value = fc.record(
  {
    tiny: number(8),
    small: number(16),
    port: number(16),
    index: number(32),
    code: number(32),
    bytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    handle: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    name: text,
    data: fc.uint8Array({ maxLength: 40 }),
    here: fc.constant(true as const),
    address: fc.oneof(bytes(4), bytes(16)).map((all) => fromBytes(all)),
    mac: bytes(6).map((all) => formatMac(all)),
    inner: innerValue,
    entries: fc.array(innerValue, { maxLength: 4 }),
    peer: fc.record({
      header: fc.record({ kind: number(8), length: number(8), port: number(16), index: number(32) }),
      attributes: innerValue,
    }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

test('a table reads back what it wrote, whatever is in it', (t) => {
  fc.assert(
    fc.property(value, (written) => {
      t.deepEqual(table.read(write(table, written)), written);
    }),
  );
});

test('an attribute has its length without padding, its number, and zeros up to a multiple of four', (t) => {
  t.is(write(table, { name: 'lo' }).toString('hex'), '070008006c6f0000');
  t.is(write(table, { tiny: 7 }).toString('hex'), '0500010007000000');
});

test('numbers lie in the order that their codec says', (t) => {
  const hex = <T>(codec: Codec<T>, item: T) => write(codec, item).toString('hex');
  t.deepEqual(
    [hex(u16, 0x1234), hex(u16be, 0x1234), hex(u32, 0x12345678), hex(u32be, 0x12345678)],
    ['3412', '1234', '78563412', '12345678'],
  );
  t.deepEqual([hex(u64, 1n), hex(u64be, 1n)], ['0100000000000000', '0000000000000001']);
  t.is(hex(address, parseAddress('172.17.0.2')), 'ac110002');
  t.is(hex(mac, parseMac('02:42:ac:11:00:02')), '0242ac110002');
});

test('a list of attributes in an attribute is marked NLA_F_NESTED, as newer kernels ask', (t) => {
  t.is(write(table, { inner: { number: 6 } }).toString('hex'), '0c000d800500010006000000');
  t.is(write(table, { entries: [{ number: 6 }] }).toString('hex'), '10000e800c0001800500010006000000');
});

test('the kernel may leave the mark out', (t) => {
  t.deepEqual(table.read(attribute(13, attribute(1, Buffer.of(6)))), { inner: { number: 6 } });
});

test('an attribute that the table does not know is skipped, wherever it stands', (t) => {
  const unknown = attribute(999, Buffer.from('from a newer kernel'));
  fc.assert(
    fc.property(value, fc.nat(), (written, place) => {
      const parts: Buffer[] = Object.entries(written).map(([name, item]) => write(table, { [name]: item }));
      parts.splice(place % (parts.length + 1), 0, unknown);
      t.deepEqual(table.read(Buffer.concat(parts)), written);
    }),
  );
});

test('an undefined value and a name that the table does not have are not written', (t) => {
  const loose = { tiny: undefined, other: 7 } as unknown as { readonly tiny?: number };
  t.is(write(table, loose).length, 0);
});

test('an absent field of a struct is zero', (t) => {
  t.is(write(head, { index: 1 }).toString('hex'), '0000000001000000');
  t.is(head.length, 8);
});

test('a place in the bytes has the name that leads there', (t) => {
  const all = {
    tiny: 7,
    entries: [{ number: 6 }, { number: 6, name: 'eth0' }],
    peer: { header: { index: 2 }, attributes: { port: 80, name: 'eth0' } },
  };
  const at = (offset: number) => table.locate?.(write(table, all), offset);
  // 0 tiny (8 bytes), 8 entries: 12 first entry (12), 24 second: 28 number, 36 name (12); 48 peer: 52 head (8), 60 port, 68 name
  const places = [0, 8, 12, 16, 24, 28, 36, 48, 52, 60, 68, 5000, -1];
  t.deepEqual(places.map(at), [
    'tiny',
    'entries',
    'entries',
    'entries.number',
    'entries',
    'entries.number',
    'entries.name',
    'peer',
    'peer',
    'peer.port',
    'peer.name',
    undefined,
    undefined,
  ]);
});

test('a value is written whole where the buffer has to grow in its midst', (t) => {
  const entries = Array.from({ length: 700 }, (_, index) => ({ port: index, name: `veth${index}` }));
  t.deepEqual(table.read(write(table, { entries })), { entries });
});

test('an address prints as it was, after its way through a table', (t) => {
  const { address: found } = table.read(write(table, { address: parseAddress('fd00::2') }));
  t.is(found === undefined ? '' : formatAddress(found), 'fd00::2');
});
