import test from 'ava';
import { addDummy, addIpvlan, addMacvlan, addVlan, makeLink } from '../../src/kernel/link-kinds.ts';
import type { Request } from '../../src/netlink/message.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { parseMac } from '../../src/values/mac.ts';
import { FakeKernel, refused } from '../support/netlink.ts';

/** The request behind its struct ifinfomsg, which is all zero. */
function sent(request: Request): string {
  const kernel = new FakeKernel();
  kernel.connect().execute([request]);
  const [{ type, flags, payload } = { type: 0, flags: 0, payload: Buffer.alloc(0) }] = kernel.messages;
  const exclusive = 0x605;
  if (type !== 16 || flags !== exclusive || payload.readBigUInt64LE(0) !== 0n || payload.readBigUInt64LE(8) !== 0n)
    throw new Error(`type ${type}, flags ${flags}, ${payload.toString('hex')}`);
  return payload.toString('hex', 16);
}

function hex(...rows: readonly string[]): string {
  return rows.join('').replaceAll(' ', '');
}

const child = { name: 'gw1', parent: 3, namespaceFd: 9 };
/** IFLA_IFNAME 3: gw1; IFLA_LINK 5; IFLA_NET_NS_FD 28. */
const birth = '0800 0300 67773100 0800 0500 03000000 0800 1c00 09000000';

// The values of IFLA_INFO_DATA below are those that `ip link add link up0 netns c1 type …` of iproute2 6.15 sends.
for (const [mode, data] of [
  ['private', '0800 0100 01000000'],
  ['vepa', '0800 0100 02000000'],
  ['bridge', '0800 0100 04000000'],
  ['passthru', '0800 0100 08000000'],
] as const) {
  test(`a macvlan in the mode ${mode}`, (t) => {
    const mac = parseMac('02:42:cb:00:71:64');
    t.is(
      sent(addMacvlan({ ...child, mode, mac, mtuBytes: 1400 })),
      hex(
        birth,
        '0800 0400 78050000', // IFLA_MTU 4: 1400
        '0a00 0100 0242cb007164 0000', // IFLA_ADDRESS 1
        '1c00 1280 0c00 0100 6d6163766c616e00', // IFLA_LINKINFO 18, nested: IFLA_INFO_KIND 1, macvlan
        '0c00 0280', // IFLA_INFO_DATA 2, nested
        data, // IFLA_MACVLAN_MODE 1
      ),
    );
  });
}

test('a macvlan without a MAC and an MTU gets them from the kernel', (t) => {
  const info = '1c00 1280 0c00 0100 6d6163766c616e00 0c00 0280 0800 0100 08000000';
  t.is(sent(addMacvlan({ ...child, mode: 'passthru' })), hex(birth, info));
});

for (const [mode, modeData] of [
  ['l2', '0600 0100 0000 0000'],
  ['l3', '0600 0100 0100 0000'],
  ['l3s', '0600 0100 0200 0000'],
] as const) {
  for (const [flag, flagData] of [
    ['bridge', '0600 0200 0000 0000'],
    ['private', '0600 0200 0100 0000'],
    ['vepa', '0600 0200 0200 0000'],
  ] as const) {
    test(`an ipvlan in the mode ${mode} with the flag ${flag}`, (t) => {
      t.is(
        sent(addIpvlan({ ...child, mode, flag })),
        hex(
          birth,
          '2400 1280 0b00 0100 6970766c616e00 00', // IFLA_LINKINFO 18, nested: IFLA_INFO_KIND 1, ipvlan
          '1400 0280', // IFLA_INFO_DATA 2, nested
          modeData, // IFLA_IPVLAN_MODE 1
          flagData, // IFLA_IPVLAN_FLAGS 2
        ),
      );
    });
  }
}

test('a VLAN: its parent and its number', (t) => {
  t.is(
    sent(addVlan({ name: 'up0.10', parent: 3, id: 10 })),
    hex(
      '0b00 0300 7570302e313000 00', // IFLA_IFNAME 3: up0.10
      '0800 0500 03000000', // IFLA_LINK 5
      '1c00 1280 0900 0100 766c616e00 000000', // IFLA_LINKINFO 18, nested: IFLA_INFO_KIND 1, vlan
      '0c00 0280 0600 0100 0a00 0000', // IFLA_INFO_DATA 2, nested: IFLA_VLAN_ID 1
    ),
  );
});

test('a dummy: its kind is all', (t) => {
  t.is(sent(addDummy('dm-1')), hex('0900 0300 646d2d3100 000000', '1000 1280 0a00 0100 64756d6d7900 0000'));
});

function refusing(sentence: string | undefined) {
  return new FakeKernel((all) =>
    all.map((one) => refused(one, 'EOPNOTSUPP', sentence === undefined ? {} : { sentence })),
  ).connect();
}

test('a kernel that does not know the kind is named, with the remedy; old ones say it without a sentence', (t) => {
  for (const sentence of ['Unknown device type', undefined]) {
    const error = t.throws(() => makeLink(refusing(sentence), 'vlan', addVlan({ name: 'a', parent: 1, id: 1 })), {
      instanceOf: GangwayError,
      message: 'this kernel has no vlan',
    });
    t.is(error?.code, 'not-supported');
    t.is(error?.hint, "it needs CONFIG_VLAN_8021Q; `modprobe 8021q` says why its module can't be loaded");
  }
});

test('another refusal with the same errno is told in the kernel’s words', (t) => {
  const link = refusing('VLANs not supported on device');
  t.throws(() => makeLink(link, 'vlan', addVlan({ name: 'lo.1', parent: 1, id: 1 })), {
    message: 'add link lo.1 (vlan): EOPNOTSUPP: VLANs not supported on device',
  });
});
