import test from 'ava';
import { layout, socket, socketAddress } from '../../src/kernel/bpf/layout.ts';
import {
  add,
  and,
  assemble,
  call,
  constant,
  exit,
  goto,
  gotoIf,
  type Line,
  label,
  listing,
  load,
  mapAddress,
  or,
  remark,
  set,
  stackAddress,
  store,
} from '../../src/kernel/bpf/program.ts';

const maps = new Map([['ports', 5]]);
const key = layout('key', { address: [4, 4], port: 4, protocol: 4 }, -24);
const [first] = key.address;

function bytes(...program: readonly Line[]): string[] {
  return assemble(program, maps).toString('hex').match(/.{16}/g) as string[];
}

// struct bpf_insn, written out by hand; in test/kernel/bpf.test.ts the kernel reads such bytes back.
const known: readonly (readonly [text: string, line: Line, hexadecimal: string])[] = [
  ['r0 = 1', set('r0', 1), 'b700000001000000'],
  ['w9 = 0x0100007f', set('w9', 0x0100007f), 'b40900007f000001'],
  ['r6 = r1', set('r6', 'r1'), 'bf16000000000000'],
  ['w2 = w9', set('w2', 'w9'), 'bc92000000000000'],
  ['w2 &= 255', and('w2', 255), '54020000ff000000'],
  ['w1 |= w2', or('w1', 'w2'), '4c21000000000000'],
  ['w1 = r6 -> bpf_sock_addr.user_ip4', load('w1', 'r6', socketAddress.user_ip4), '6161040000000000'],
  ['r2 = r6 -> bpf_sock_addr.sk', load('r2', 'r6', socketAddress.sk), '7962400000000000'],
  ['r6 -> bpf_sock_addr.user_port = w1', store('r6', socketAddress.user_port, 'w1'), '6316180000000000'],
  ['key.port = w9', store('r10', key.port, 'w9'), '639af8ff00000000'],
  ['key.protocol = 6', store('r10', key.protocol, 6), '620afcff06000000'],
  ['lock r8 -> bpf_sock_addr.sk += r1', add('r8', socketAddress.sk, 'r1'), 'db18400000000000'],
  ['call map_lookup_elem', call('map_lookup_elem'), '8500000001000000'],
  ['exit', exit, '9500000000000000'],
];

for (const [text, line, hexadecimal] of known)
  test(`${text} is ${hexadecimal}`, (t) => {
    t.deepEqual(bytes(line), [hexadecimal]);
    t.is(listing([line]), `    ${text}\n`);
  });

test('a constant of 64 bits and a map take two places each, and labels count them', (t) => {
  t.deepEqual(
    bytes(
      label('again'),
      gotoIf('w2', '!=', 127, 'leave'),
      constant('r1', 0x1122334455667788n),
      mapAddress('r2', 'ports'),
      gotoIf('r0', '==', 'r1', 'leave'),
      remark('is not there'),
      goto('again'),
      label('leave'),
      exit,
    ),
    [
      '560206007f000000',
      '1801000088776655',
      '0000000044332211',
      '1812000005000000',
      '0000000000000000',
      '1d10010000000000',
      '0500f9ff00000000',
      '9500000000000000',
    ],
  );
});

test('a place on the stack is counted from its end', (t) => {
  t.truthy(first);
  if (first !== undefined) t.deepEqual(bytes(...stackAddress('r2', first)), ['bfa2000000000000', '07020000e8ffffff']);
});

test('fields lie where linux/bpf.h has them', (t) => {
  const offsets = (fields: object) =>
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, (Array.isArray(field) ? field[0] : field).offset]),
    );
  const { bytes: ofAddress, ...address } = socketAddress;
  t.is(ofAddress, 72);
  t.deepEqual(offsets(address), {
    user_family: 0,
    user_ip4: 4,
    user_ip6: 8,
    user_port: 24,
    family: 28,
    type: 32,
    protocol: 36,
    msg_src_ip4: 40,
    msg_src_ip6: 44,
    sk: 64,
  });
  t.like(offsets(socket), { bound_dev_if: 0, protocol: 12, mark: 16, src_ip4: 24, src_ip6: 28, src_port: 44 });
});

test('a label that is missing, or there twice, and a map that is not there are mistakes', (t) => {
  t.throws(() => bytes(goto('nowhere')), { message: 'no nowhere in this program' });
  t.throws(() => bytes(label('here'), exit, label('here')), { message: 'label here is there twice' });
  t.throws(() => bytes(mapAddress('r1', 'flows')), { message: 'no flows in this program' });
});
