import test from 'ava';
import { parseSocketAddress } from '../../src/kernel/port-holder.ts';
import { formatAddress } from '../../src/values/address.ts';

for (const [listed, address] of [
  ['0100007F', '127.0.0.1'],
  ['00000000', '0.0.0.0'],
  ['020011AC', '172.17.0.2'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000001000000', '::1'],
  ['B80D0120000000000000000001000000', '2001:db8::1'],
  ['0000000000000000FFFF00000100007F', '127.0.0.1'],
] as const) {
  test(`/proc/net lists ${address} as ${listed}`, (t) => {
    t.is(formatAddress(parseSocketAddress(listed)), address);
  });
}
