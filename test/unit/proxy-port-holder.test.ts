import test from 'ava';
import { parseAssociationEndpoints, parseSocketAddress } from '../../src/kernel/port-holder.ts';
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

/** As Linux 6.12 writes it, behind each other: a listener of both families, one of IPv4, one of two addresses. */
const endpoints = ` ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS
e14c95e3  e568150 2   10  48   8081      0   194 0000:0000:0000:0000:0000:0000:0000:0000 
8cfe4772 e11dd282 2   10  50   8083      0   197 127.0.0.1 
9b9853b4 894fea10 2   10  49   8082      0   196 10.0.0.1 2001:0db8:0000:0000:0000:0000:0000:0001 
`;

test('/proc/net/sctp/eps lists each endpoint with its addresses', (t) => {
  t.deepEqual(
    [...parseAssociationEndpoints(endpoints)].map(
      ({ address, port, inode }) => `${formatAddress(address)} ${port} ${inode}`,
    ),
    [':: 8081 194', '127.0.0.1 8083 197', '10.0.0.1 8082 196', '2001:db8::1 8082 196'],
  );
  t.deepEqual([...parseAssociationEndpoints('')], []);
});
