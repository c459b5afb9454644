import test from 'ava';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../src/values/address.ts';
import { formatMac, linkLocalOf, localMac, macBytes, macOf, parseMac } from '../../src/values/mac.ts';

const sixBytes = fc.uint8Array({ minLength: 6, maxLength: 6 });

test('what is formatted is read back as the same bytes', (t) => {
  fc.assert(
    fc.property(sixBytes, (bytes) => {
      t.deepEqual(macBytes(formatMac(bytes)), bytes);
    }),
  );
});

test('any case is read, lower case is kept', (t) => {
  t.is(parseMac('02:42:AC:11:00:0F') as string, '02:42:ac:11:00:0f');
});

test('anything but six bytes of one interface is refused', (t) => {
  for (const text of [
    '',
    '02:42:ac:11:00',
    '02:42:ac:11:00:02:03',
    '2:42:ac:11:0:2',
    '02-42-ac-11-00-02',
    '02:42:ac:11:00:0g',
  ])
    t.throws(() => parseMac(text), { name: 'GangwayError', message: `${JSON.stringify(text)} is no MAC address` });
  t.throws(() => parseMac('00:00:00:00:00:00'), { message: '00:00:00:00:00:00 is nobody’s mac address' });
  t.throws(() => parseMac('ff:ff:ff:ff:ff:ff'), { message: 'ff:ff:ff:ff:ff:ff is a multicast address' });
});

test('a random address is always unicast and locally administered, and its other bits are the random ones', (t) => {
  fc.assert(
    fc.property(sixBytes, (bytes) => {
      const made = macBytes(localMac(bytes));
      t.is((made[0] ?? 0) & 0b11, 0b10);
      t.is((made[0] ?? 0) & 0xfc, (bytes[0] ?? 0) & 0xfc);
      t.deepEqual(made.slice(1), bytes.slice(1));
      t.is(parseMac(formatMac(made)), formatMac(made));
    }),
  );
});

test('an IPv4 address has one MAC address, with its own four bytes', (t) => {
  t.is(macOf(parseAddress('172.17.0.2')) as string, '02:42:ac:11:00:02');
});

test('IPv6 addresses that differ anywhere have MAC addresses of their own, unicast and locally administered', (t) => {
  const texts = ['fd00::a:0:1', 'fd00::b:0:1', 'fd00:0:0:1::1', 'fd00::1', '::ac11:2'];
  const all = texts.map((text) => macOf(parseAddress(text)));
  t.is(new Set(all).size, texts.length);
  for (const mac of all) t.is(macBytes(mac)[0], 0x02);
  t.is(macOf(parseAddress('fd00::a:0:1')), macOf(parseAddress('fd00:0:0:0:0:a:0:1')));
});

test('the link-local address of a MAC is the one that the kernel makes: bit 1 of the first byte is turned over', (t) => {
  t.is(formatAddress(linkLocalOf(parseMac('02:42:ac:11:00:02'))), 'fe80::42:acff:fe11:2');
  t.is(formatAddress(linkLocalOf(parseMac('34:56:78:9a:bc:de'))), 'fe80::3656:78ff:fe9a:bcde');
});
