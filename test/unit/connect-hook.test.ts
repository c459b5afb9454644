import { readFileSync } from 'node:fs';
import test from 'ava';
import { assemble, listing } from '../../src/kernel/bpf/program.ts';
import { bitField } from '../../src/kernel/bpf/type-information.ts';
import { programs } from '../../src/services/connect-hook/connect-hook.ts';
import {
  flow,
  isRedirected,
  keyOf,
  keysOf,
  redirectCounts,
  redirectIdOf,
  valuesOf,
} from '../../src/services/connect-hook/maps.ts';
import { parseAddress } from '../../src/values/address.ts';

const machine = { namespaceCookie: 1n, ipv6OnlyBit: { bit: 157 } };

test('the page shows the program that leads connect(2)', (t) => {
  const page = readFileSync('docs/connect-hook.md', 'utf8');
  const program = programs(machine).get('connect4');
  t.truthy(program);
  t.true(page.includes(`\n\`\`\`text\n${listing(program ?? [])}\`\`\`\n`), listing(program ?? []));
});

test('each program is whole: every label and every map is there', (t) => {
  const maps = new Map([
    ['ports', 3],
    ['flows', 4],
  ]);
  for (const [name, program] of programs(machine)) {
    const bytes = assemble(program, maps);
    t.is(bytes.length % 8, 0, name);
    t.true(bytes.length / 8 < 120, `${name}: ${bytes.length / 8} instructions`);
  }
});

test('a socket of IPv6 alone is told from others where the kernel says how, and only there', (t) => {
  const text = (ipv6OnlyBit: typeof machine.ipv6OnlyBit | undefined) =>
    listing(programs({ namespaceCookie: 1n, ipv6OnlyBit: ipv6OnlyBit }).get('connect6') ?? []);
  t.regex(text({ bit: 157 }), /skc_to_tcp6_sock.*sock_common.skc_ipv6only\n {4}w1 &= 32\n/s);
  t.notRegex(text(undefined), /skc_to_tcp6_sock/);
});

const binding = (hostAddress: string, protocol: 'tcp' | 'udp' = 'tcp') => ({
  protocol,
  hostAddress: parseAddress(hostAddress),
});

test('what is published lies in the map as programs look for it', (t) => {
  t.is(keyOf(binding('127.0.0.1'), 8080).toString('hex'), '00000000000000000000ffff7f0000011f90000006000000');
  t.is(keyOf(binding('0.0.0.0', 'udp'), 8080).toString('hex'), '00000000000000000000ffff000000001f90000011000000');
  t.is(keyOf(binding('::'), 8080).toString('hex'), '000000000000000000000000000000001f90000006000000');
  const value = '00000000000000000000ffffac11000200500000070000000000000000000000';
  const values = valuesOf(parseAddress('172.17.0.2'), [80, 81], 7);
  t.is(values.toString('hex'), `${value}${value.replace('0050', '0051').replace('07', '08')}`);
  const keys = keysOf(binding('::'), [8080, 8081]);
  t.is(keys.toString('hex', 24), keyOf(binding('::'), 8081).toString('hex'));
  t.deepEqual(redirectCounts({ keys, values }), new Map());
  values.writeUInt8(9, 32 + 24);
  t.deepEqual(redirectCounts({ keys, values }), new Map([[keys.toString('latin1', 24), 9]]));
  const stored = Buffer.alloc(flow.bytes);
  stored.writeUInt32LE(7, 40);
  t.is(redirectIdOf(stored), 7);
});

test('a socket is led as long as it speaks with whom it was led to, whatever its family', (t) => {
  // Asked 127.0.0.1:8080, led to 172.17.0.2:80.
  const stored = Buffer.from(
    '00000000000000000000ffff7f0000011f90000000000000000000000000ffffac110002005000000700000',
    'hex',
  );
  const identity = (port: string, address: string) =>
    Buffer.from(`9c40${port}${'00'.repeat(16)}${address.padEnd(32, '0')}${'00'.repeat(12)}`, 'hex');
  const led = (family: 4 | 6, port: string, address: string) =>
    isRedirected({ family, stored, identity: identity(port, address) });
  t.true(led(4, '0050', 'ac110002'));
  t.true(led(6, '0050', '00000000000000000000ffffac110002'));
  t.false(led(4, '1538', 'ac110002'), 'another port');
  t.false(led(4, '0050', '0a000005'), 'another address');
  t.false(led(6, '0050', '20010db8000000000000ffffac110002'));
});

/** One struct with a plain member and a bit field, behind a function's type and an enumeration. */
function typeInformation(): Buffer {
  const names = '\0sock_common\0skc_family\0skc_ipv6only\0';
  const at = (name: string) => names.indexOf(`\0${name}\0`) + 1;
  const words = (...numbers: readonly number[]) => Buffer.from(Uint32Array.from(numbers).buffer);
  const types = Buffer.concat([
    words(0, (1 << 24) >>> 0, 4, 32),
    words(0, (13 << 24) | 2, 1, 0, 1, 0, 1),
    words(0, (6 << 24) | 1, 4, at('skc_family'), 0),
    words(at('sock_common'), ((1 << 31) | (4 << 24) | 2) >>> 0, 8),
    words(at('skc_family'), 1, 0, at('skc_ipv6only'), 1, ((1 << 24) | 37) >>> 0),
  ]);
  return Buffer.concat([words(0x0001eb9f, 24, 0, types.length, types.length, names.length), types, Buffer.from(names)]);
}

test('a bit field is found in what the kernel says of its structs', (t) => {
  const bytes = typeInformation();
  t.deepEqual(bitField(bytes, 'sock_common', 'skc_ipv6only'), { bit: 37 });
  t.is(bitField(bytes, 'sock_common', 'skc_family'), undefined, 'no bit field');
  t.is(bitField(bytes, 'sock_common', 'skc_mark'), undefined);
  t.is(bitField(bytes, 'sock', 'skc_ipv6only'), undefined);
});
