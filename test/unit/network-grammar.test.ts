import test from 'ava';
import fc from 'fast-check';
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from '../../src/values/address.ts';
import { plainBridge } from '../../src/values/bridge-options.ts';
import { formatDriver } from '../../src/values/driver-options.ts';
import { type ErrorCode, GangwayError } from '../../src/values/errors.ts';
import type { BridgeRequest, NetworkRequest } from '../../src/values/network.ts';
import {
  checkNetworkRequest,
  formatNetworkCreate,
  type NetworkWords,
  parseNetworkCreate,
} from '../../src/values/network-grammar.ts';

type Words = Partial<NetworkWords>;

function create(words: Words = {}): NetworkRequest {
  return parseNetworkCreate({ name: 'n1', ...words });
}

function option(key: string, value: string): Words {
  return { options: [`com.docker.network.${key}=${value}`] };
}

test('a name is all that a network needs', (t) => {
  t.deepEqual(create(), {
    name: 'n1',
    driver: plainBridge,
    families: [4],
    internal: false,
    pools: [],
    labels: {},
    options: {},
    attachable: false,
  });
});

/** What docker 26.1.5 says to the same words: its exit status, 0 where it takes what we refuse. */
const refusals: readonly (readonly [words: Words, code: ErrorCode, message: string, docker: 0 | 1 | 125])[] = [
  [{ name: 'bridge' }, 'invalid-name', 'network bridge is predefined', 1],
  [{ name: 'host' }, 'invalid-name', 'network host is predefined', 1],
  [{ name: 'none' }, 'invalid-name', 'network none is predefined', 1],
  [{ name: 'default' }, 'invalid-name', 'network default is predefined', 1],
  [{ name: 'container:x' }, 'invalid-name', 'invalid network name "container:x"', 0],
  [{ name: 'a b' }, 'invalid-name', 'invalid network name "a b"', 0],
  [{ name: '' }, 'invalid-name', 'invalid network name ""', 1],
  [{ name: '.x' }, 'invalid-name', 'invalid network name ".x"', 0],
  [{ name: 'a/b' }, 'invalid-name', 'invalid network name "a/b"', 0],
  [{ name: 'ñet' }, 'invalid-name', 'invalid network name "ñet"', 0],
  [{ driver: 'foo' }, 'invalid-network', 'network driver "foo" not found', 1],
  [{ driver: 'macvlna' }, 'invalid-network', 'network driver "macvlna" not found; did you mean \'macvlan\'?', 1],
  [{ driver: 'host' }, 'invalid-network', 'there is one host network, and no second one can be made', 1],
  [{ driver: 'null' }, 'invalid-network', 'there is one null network, and no second one can be made', 1],
  [{ driver: 'overlay' }, 'not-supported', 'overlay networks are not there yet: they need several machines', 1],
  [{ ipamDriver: 'dhcp' }, 'invalid-network', 'IPAM driver "dhcp" not found', 1],
  [{ ipamOptions: ['a=b'] }, 'invalid-network', 'IPAM driver default has no option "a=b"', 0],

  [{ subnets: ['banana'] }, 'invalid-address', '--subnet "banana" is no subnet', 1],
  [{ subnets: [''] }, 'invalid-address', '--subnet "" is no subnet', 1],
  [{ subnets: ['10.1.2.0'] }, 'invalid-address', '--subnet "10.1.2.0" is no subnet', 1],
  [{ subnets: ['10.1.2.0/33'] }, 'invalid-address', '--subnet "10.1.2.0/33" is no subnet', 1],
  [{ subnets: ['fd00::/129'] }, 'invalid-address', '--subnet "fd00::/129" is no subnet', 1],
  [{ subnets: ['10.1.2.3/24'] }, 'invalid-address', '--subnet 10.1.2.3/24 has host bits set', 1],
  [
    { subnets: ['127.0.0.0/8'] },
    'invalid-address',
    'subnet 127.0.0.0/8 overlaps 127.0.0.0/8, which is for loopback',
    0,
  ],
  [
    { subnets: ['127.9.0.0/16'] },
    'invalid-address',
    'subnet 127.9.0.0/16 overlaps 127.0.0.0/8, which is for loopback',
    0,
  ],
  [
    { subnets: ['224.0.0.0/24'] },
    'invalid-address',
    'subnet 224.0.0.0/24 overlaps 224.0.0.0/4, which is for multicast',
    0,
  ],
  [{ subnets: ['ff00::/64'] }, 'invalid-address', 'subnet ff00::/64 overlaps ff00::/8, which is for multicast', 1],
  [
    { subnets: ['fe80::/64'] },
    'invalid-address',
    'subnet fe80::/64 overlaps fe80::/10, which is for link-local addresses',
    0,
  ],
  [
    { subnets: ['0.1.0.0/16'] },
    'invalid-address',
    'subnet 0.1.0.0/16 overlaps 0.0.0.0/8, which is for this machine',
    0,
  ],
  [{ subnets: ['::1/128'] }, 'invalid-address', 'subnet ::1/128 overlaps ::/127, which is for loopback', 0],
  [
    { subnets: ['10.71.0.0/24', '10.71.0.0/24'] },
    'invalid-network',
    'subnets 10.71.0.0/24 and 10.71.0.0/24 overlap',
    1,
  ],
  [{ subnets: ['10.0.0.0/24,10.0.1.0/24'] }, 'invalid-network', 'a bridge network has one IPv4 subnet', 1],
  [
    { subnets: ['10.71.0.0/24'], gateways: ['10.72.0.1'] },
    'invalid-network',
    'no --subnet contains gateway 10.72.0.1',
    1,
  ],
  [{ subnets: ['10.71.0.0/24'], gateways: ['banana'] }, 'invalid-address', '--gateway "banana" is no IP address', 1],
  [
    { subnets: ['10.71.0.0/24'], gateways: ['10.71.0.0'] },
    'invalid-network',
    'gateway 10.71.0.0 is the network address of 10.71.0.0/24',
    1,
  ],
  [
    { subnets: ['10.71.0.0/24'], gateways: ['10.71.0.255'] },
    'invalid-network',
    'gateway 10.71.0.255 is the broadcast address of 10.71.0.0/24',
    1,
  ],
  [
    { subnets: ['10.71.0.0/24'], gateways: ['10.71.0.1', '10.71.0.2'] },
    'invalid-network',
    'subnet 10.71.0.0/24 has 2 --gateways',
    1,
  ],
  [{ gateways: ['10.71.0.1'] }, 'invalid-network', 'no --subnet contains gateway 10.71.0.1', 1],
  [{ subnets: ['0.0.0.0/24'], gateways: ['0.0.0.1'] }, 'invalid-network', 'no --subnet contains gateway 0.0.0.1', 1],
  [
    { subnets: ['10.71.0.0/24'], ranges: ['10.72.0.0/25'] },
    'invalid-network',
    'no --subnet contains ip-range 10.72.0.0/25',
    1,
  ],
  [
    { subnets: ['10.71.0.0/24'], ranges: ['10.71.0.0/16'] },
    'invalid-network',
    'ip-range 10.71.0.0/16 is larger than its subnet 10.71.0.0/24',
    1,
  ],
  [{ ranges: ['banana'] }, 'invalid-address', '--ip-range "banana" is no subnet', 1],
  [
    { subnets: ['10.71.0.0/24'], auxiliary: ['a=10.72.0.5'] },
    'invalid-network',
    'no --subnet contains aux-address 10.72.0.5',
    1,
  ],
  [{ auxiliary: ['10.72.0.5'] }, 'invalid-network', '--aux-address "10.72.0.5" is not NAME=ADDRESS', 1],
  [{ auxiliary: ['a=b'] }, 'invalid-address', '--aux-address a "b" is no IP address', 1],
  [
    { subnets: ['10.71.0.0/24'], gateways: ['10.71.0.9'], auxiliary: ['a=10.71.0.9'] },
    'invalid-network',
    'aux-address a=10.71.0.9 is the gateway of 10.71.0.0/24',
    1,
  ],
  [
    { subnets: ['10.71.0.0/24'], auxiliary: ['a=10.71.0.9', 'b=10.71.0.9'] },
    'invalid-network',
    'aux-addresses a=10.71.0.9 and b=10.71.0.9 collide',
    1,
  ],

  [{ ipv4: false }, 'invalid-network', 'a network needs IPv4 or IPv6', 1],
  [
    { subnets: ['fd00:1::/64'], ipv6: false },
    'invalid-network',
    'subnet fd00:1::/64 is IPv6, and the network has no IPv6',
    0,
  ],
  [
    { subnets: ['10.0.0.0/24'], ipv6: true, ipv4: false },
    'invalid-network',
    'subnet 10.0.0.0/24 is IPv4, and the network has no IPv4',
    1,
  ],

  [option('driver.mtu', 'abc'), 'invalid-network', 'com.docker.network.driver.mtu "abc" is not a whole number', 1],
  [
    option('driver.mtu', '-5'),
    'invalid-network',
    'com.docker.network.driver.mtu -5 is out of range, from 68 to 65535',
    1,
  ],
  [
    option('driver.mtu', '50'),
    'invalid-network',
    'com.docker.network.driver.mtu 50 is out of range, from 68 to 65535',
    1,
  ],
  [
    option('driver.mtu', '70000'),
    'invalid-network',
    'com.docker.network.driver.mtu 70000 is out of range, from 68 to 65535',
    1,
  ],
  [{ ...option('driver.mtu', '1279'), ipv6: true }, 'invalid-network', 'an MTU of 1279 is too small for IPv6', 1],
  [option('bridge.name', 'averyveryverylongname'), 'invalid-name', 'invalid interface name "averyveryverylongname"', 1],
  [option('bridge.name', 'all'), 'invalid-name', 'invalid interface name "all"', 1],
  [option('bridge.name', 'lo'), 'invalid-name', 'invalid interface name "lo"', 1],
  [
    option('bridge.enable_icc', 'maybe'),
    'invalid-network',
    'com.docker.network.bridge.enable_icc "maybe" is neither true nor false',
    1,
  ],
  [
    option('bridge.gateway_mode_ipv4', 'open'),
    'invalid-network',
    'com.docker.network.bridge.gateway_mode_ipv4 "open" is unknown',
    1,
  ],
  [
    option('bridge.gateway_mode_ipv6', 'isolated'),
    'invalid-network',
    'gateway mode isolated is for internal networks',
    1,
  ],
  [
    option('bridge.host_binding_ipv4', '::1'),
    'invalid-network',
    'com.docker.network.bridge.host_binding_ipv4 "::1" is no IPv4 address',
    1,
  ],
  [
    option('bridge.host_binding_ipv4', '224.0.0.1'),
    'invalid-network',
    'com.docker.network.bridge.host_binding_ipv4 "224.0.0.1" is no IPv4 address',
    1,
  ],
  [
    option('host_ipv4', '0.0.0.0'),
    'invalid-network',
    'com.docker.network.host_ipv4 0.0.0.0 is nothing that the world could answer',
    1,
  ],
  [
    option('host_ipv6', '::1'),
    'invalid-network',
    'com.docker.network.host_ipv6 ::1 is nothing that the world could answer',
    1,
  ],
  [option('host_ipv6', '10.0.0.1'), 'invalid-network', 'com.docker.network.host_ipv6 "10.0.0.1" is no IPv6 address', 1],
  [option('container_iface_prefix', 'averylongname'), 'invalid-name', 'invalid interface name "averylongname1000"', 1],
  [{ options: ['foo.bar=1'] }, 'invalid-network', 'a bridge network has no option "foo.bar"', 0],
  [{ options: ['parent=eth0'] }, 'invalid-network', 'a bridge network has no option "parent"', 0],
  [{ options: ['icc=false'] }, 'invalid-network', 'a bridge network has no option "icc"', 0],
  [{ options: ['mtu=1400'] }, 'invalid-network', 'a bridge network has no option "mtu"', 0],
  [{ options: [''] }, 'invalid-network', 'a bridge network has no option ""', 0],
  [
    option('bridge.default_bridge', 'true'),
    'invalid-network',
    'option com.docker.network.bridge.default_bridge has no meaning here: the network named bridge is the default bridge, and no other can be',
    0,
  ],
  [{ driver: 'macvlan', options: ['macvlan_mode=foo'] }, 'invalid-network', 'macvlan_mode "foo" is unknown', 1],
  [{ driver: 'ipvlan', options: ['ipvlan_mode=l4'] }, 'invalid-network', 'ipvlan_mode "l4" is unknown', 1],
  [{ driver: 'ipvlan', options: ['parent=a/b'] }, 'invalid-name', 'invalid interface name "a/b"', 1],

  [{ labels: [''] }, 'invalid-option', '--label "" is no name for a label', 125],
  [{ labels: ['=v'] }, 'invalid-option', '--label "" is no name for a label', 125],
  [{ labels: ['a b=v'] }, 'invalid-option', '--label "a b" is no name for a label', 125],
];

for (const [words, code, message] of refusals) {
  test(`network create ${JSON.stringify(words)} is refused`, (t) => {
    const error = t.throws(() => create(words), { instanceOf: GangwayError, message });
    t.is(error?.code, code);
    t.truthy(error?.hint);
  });
}

test('a code leads to docker’s exit status', async (t) => {
  const { reportError } = await import('../../src/cli/exit-code.ts');
  for (const [words, , message, docker] of refusals) {
    const error = t.throws(() => create(words), { instanceOf: GangwayError });
    const silent = { stdout: { write: () => true }, stderr: { write: () => true }, environment: {} };
    t.is(reportError(error, { path: ['network', 'create'] }, silent as never), docker || 1, message);
  }
});

test('hints name what was probably meant', (t) => {
  const hint = (words: Words) => t.throws(() => create(words), { instanceOf: GangwayError })?.hint;
  t.is(hint({ subnets: ['10.1.2.3/24'] }), 'write 10.1.2.0/24');
  t.is(hint({ options: ['mtu=1400'] }), 'did you mean com.docker.network.driver.mtu?');
  t.is(hint({ options: ['icc=1'] }), 'did you mean com.docker.network.bridge.enable_icc?');
  t.is(
    hint({ options: ['com.docker.network.bridge.enable_ic=1'] }),
    'did you mean com.docker.network.bridge.enable_icc?',
  );
  t.is(hint({ options: ['parent=eth0'] }), 'it is an option of macvlan and ipvlan');
});

test('which range, gateway and auxiliary address belong to which subnet is told by where they lie', (t) => {
  const { pools, families } = create({
    driver: 'macvlan',
    subnets: ['fd00::/64', '10.1.0.0/16', '10.2.0.0/16,10.3.0.0/24', '0.0.0.0/28'],
    ranges: ['10.2.5.0/24', 'fd00::/80'],
    gateways: ['10.2.0.1', '10.1.0.1', 'fd00::ff'],
    auxiliary: ['a=10.3.0.9', 'a=10.1.0.9', 'b=fd00::9', 'c=10.3.0.8'],
  });
  t.deepEqual(families, [4, 6]);
  const at = parseAddress;
  t.deepEqual(pools, [
    {
      family: 6,
      subnet: parsePrefix('fd00::/64'),
      range: parsePrefix('fd00::/80'),
      gateway: at('fd00::ff'),
      auxiliary: { b: at('fd00::9') },
    },
    { family: 4, subnet: parsePrefix('10.1.0.0/16'), gateway: at('10.1.0.1'), auxiliary: { a: at('10.1.0.9') } },
    {
      family: 4,
      subnet: parsePrefix('10.2.0.0/16'),
      range: parsePrefix('10.2.5.0/24'),
      gateway: at('10.2.0.1'),
      auxiliary: {},
    },
    { family: 4, subnet: parsePrefix('10.3.0.0/24'), auxiliary: { a: at('10.3.0.9'), c: at('10.3.0.8') } },
    { family: 4, length: 28, auxiliary: {} },
  ]);
});

test('the families, as flags, as options, and as an IPv6 subnet asks for them', (t) => {
  t.deepEqual(create({ ipv6: true }).families, [4, 6]);
  t.deepEqual(create({ ipv6: true, ipv4: false }).families, [6]);
  t.deepEqual(create({ subnets: ['fd00::/64'] }).families, [4, 6]);
  t.deepEqual(create({ subnets: ['fd00::/64'], ipv4: false }).families, [6]);
  t.deepEqual(create(option('enable_ipv6', 'T')).families, [4, 6]);
  t.deepEqual(
    create({ options: ['com.docker.network.enable_ipv6=1', 'com.docker.network.enable_ipv4=0'] }).families,
    [6],
  );
  t.deepEqual(create({ ...option('enable_ipv6', 'true'), ipv6: false }).families, [4]);
  t.throws(() => create(option('enable_ipv6', 'yes')), { code: 'invalid-network' });
});

test('every option of a bridge', (t) => {
  const options = {
    'com.docker.network.bridge.name': 'mybr0',
    'com.docker.network.bridge.enable_icc': 'F',
    'com.docker.network.bridge.enable_ip_masquerade': '0',
    'com.docker.network.bridge.inhibit_ipv4': 'TRUE',
    'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1',
    'com.docker.network.bridge.trusted_host_interfaces': 'eth0:tailscale0',
    'com.docker.network.bridge.gateway_mode_ipv4': 'routed',
    'com.docker.network.bridge.gateway_mode_ipv6': 'isolated',
    'com.docker.network.host_ipv6': '2001:db8::1',
    'com.docker.network.host_ipv4': '203.0.113.1',
    'com.docker.network.driver.mtu': '+1400',
    'com.docker.network.container_iface_prefix': 'lan',
    'gangway.guard': '0',
  };
  const request = create({ internal: true, options: Object.entries(options).map((pair) => pair.join('=')) });
  t.deepEqual(request.options, options);
  t.deepEqual(request.driver, {
    kind: 'bridge',
    link: 'mybr0',
    mtuBytes: 1400,
    interContainer: false,
    masquerade: false,
    gatewayModes: { 4: 'routed', 6: 'isolated' },
    inhibitIpv4: true,
    hostBinding: parseAddress('127.0.0.1'),
    sourceAddresses: [parseAddress('203.0.113.1'), parseAddress('2001:db8::1')],
    trustedLinks: ['eth0', 'tailscale0'],
    guarded: false,
    linkPrefix: 'lan',
  });
});

test('a mark that is accepted, and its mask', (t) => {
  const mark = (text: string) => create({ options: [`gangway.accept-fwmark=${text}`] });
  const read = (text: string) => (mark(text).driver as BridgeRequest).acceptedMark;
  t.deepEqual(read('0x1/0x3'), { mark: 1, mask: 3 });
  t.deepEqual(read('16'), { mark: 16, mask: 0xffffffff });
  t.deepEqual(read('0x80000000/0x80000000'), { mark: 0x80000000, mask: 0x80000000 });
  t.is(formatDriver(mark('80/0xF0').driver)['gangway.accept-fwmark'], '0x50/0xf0');
  for (const wrong of [
    '',
    '1/',
    'x',
    '-1',
    '0x100000000',
    '0',
    '0/1',
    '5/3',
    '0x10000000',
    '0x10000001',
    '0x10000000/0x10000000',
    '1/0x10000001',
    '010',
    '0x1/03',
  ])
    t.throws(() => mark(wrong), { code: 'invalid-network' }, wrong);
  t.throws(() => create({ internal: true, options: ['gangway.accept-fwmark=1'] }), { code: 'conflicting-options' });
});

test('macvlan and ipvlan', (t) => {
  t.deepEqual(create({ driver: 'macvlan', options: ['parent=eth0.10', 'macvlan_mode=passthru'] }).driver, {
    kind: 'macvlan',
    parent: 'eth0.10',
    mode: 'passthru',
    linkPrefix: 'eth',
  });
  t.deepEqual(create({ driver: 'macvlan' }).driver, { kind: 'macvlan', mode: 'bridge', linkPrefix: 'eth' });
  t.deepEqual(
    create({
      driver: 'ipvlan',
      options: ['ipvlan_mode=l3s', 'ipvlan_flag=vepa', ...(option('driver.mtu', '9000').options ?? [])],
    }).driver,
    {
      kind: 'ipvlan',
      mode: 'l3s',
      flag: 'vepa',
      mtuBytes: 9000,
      linkPrefix: 'eth',
    },
  );
});

test('what is so anyway is not written', (t) => {
  t.deepEqual(formatDriver(plainBridge), {});
  t.deepEqual(formatDriver({ ...plainBridge, interContainer: false, mtuBytes: 1400 }), {
    'com.docker.network.bridge.enable_icc': 'false',
    'com.docker.network.driver.mtu': '1400',
  });
});

test('labels are pairs, a key alone has no value, and the last one counts', (t) => {
  t.deepEqual(create({ labels: ['a=1', 'b', 'c=x=y', 'a=2', '__proto__=x'] }).labels, {
    a: '2',
    b: '',
    c: 'x=y',
    ['__proto__']: 'x',
  });
});

const truth = fc.constantFrom('1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False');
const mode = fc.constantFrom('nat', 'nat-unprotected', 'routed', 'isolated');
const byte = fc.integer({ min: 1, max: 250 });
const link = fc.stringMatching(/^[a-z][a-z0-9_.-]{4,9}$/);

/** Words that are taken, with any of the options. */
const words = fc.record(
  {
    name: fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{5,20}$/),
    ipv6: fc.boolean(),
    internal: fc.constant(true),
    attachable: fc.boolean(),
    labels: fc.array(fc.tuple(fc.stringMatching(/^[^\s=]{1,8}$/), fc.string()).map((pair) => pair.join('='))),
    options: fc
      .record(
        {
          'com.docker.network.bridge.name': link,
          'com.docker.network.bridge.enable_icc': truth,
          'com.docker.network.bridge.enable_ip_masquerade': truth,
          'com.docker.network.bridge.inhibit_ipv4': truth,
          'com.docker.network.bridge.host_binding_ipv4': byte.map((one) => `10.0.0.${one}`),
          'com.docker.network.bridge.trusted_host_interfaces': fc
            .array(link, { minLength: 1 })
            .map((all) => all.join(':')),
          'com.docker.network.bridge.gateway_mode_ipv4': mode,
          'com.docker.network.bridge.gateway_mode_ipv6': mode,
          'com.docker.network.host_ipv4': byte.map((one) => `10.0.0.${one}`),
          'com.docker.network.host_ipv6': byte.map((one) => `fd00::${one}`),
          'com.docker.network.driver.mtu': fc.integer({ min: 1280, max: 65535 }).map(String),
          'com.docker.network.container_iface_prefix': fc.stringMatching(/^[a-z]{1,10}$/),
          'gangway.guard': truth,
          'com.docker.network.enable_ipv4': fc.constantFrom('1', 'true'),
        },
        { requiredKeys: [] },
      )
      .map((options) => Object.entries(options).map((pair) => pair.join('='))),
    subnets: fc.tuple(byte, byte).map(([a, b]) => [`10.${a}.0.0/16`, `fd00:${b}::/64`]),
  },
  { requiredKeys: ['name', 'internal'] },
);

test('what formatNetworkCreate writes, parseNetworkCreate reads back', (t) => {
  fc.assert(
    fc.property(words, (some) => {
      const { ipv6, ...rest } = some as NetworkWords;
      const request = parseNetworkCreate(rest.subnets === undefined && ipv6 !== undefined ? { ...rest, ipv6 } : rest);
      t.deepEqual(parseNetworkCreate(formatNetworkCreate(request)), request);
      t.deepEqual(checkNetworkRequest(request), request);
      // Options that were never written come out of the driver's fields alone.
      const { driver, families } = checkNetworkRequest({ ...request, options: {} });
      t.deepEqual({ driver, families }, { driver: request.driver, families: request.families });
    }),
  );
});

test('pools are read back, too', (t) => {
  const pool = fc
    .record({
      net: fc.uniqueArray(byte, { minLength: 1, maxLength: 5 }),
      range: fc.boolean(),
      gateway: fc.boolean(),
      aux: fc.boolean(),
    })
    .map(({ net, range, gateway, aux }) => ({
      name: 'mv',
      driver: 'macvlan',
      subnets: net.map((one) => `10.${one}.0.0/16`),
      ranges: range ? net.map((one) => `10.${one}.128.0/17`) : [],
      gateways: gateway ? net.map((one) => `10.${one}.0.1`) : [],
      auxiliary: aux ? net.map((one) => `host=10.${one}.0.9`) : [],
    }));
  fc.assert(
    fc.property(pool, (some) => {
      const request = parseNetworkCreate(some);
      t.deepEqual(parseNetworkCreate(formatNetworkCreate(request)), request);
    }),
  );
});

test('a program that says one thing in the options and another in the driver is refused', (t) => {
  const request = create(option('bridge.enable_icc', 'false'));
  t.throws(() => checkNetworkRequest({ ...request, driver: plainBridge }), {
    code: 'invalid-network',
    message: 'network n1 has options that contradict its driver',
  });
});

test('no text whatever leads to anything but a request or a refusal', (t) => {
  const piece = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[\d:./=,a-f-]{0,24}$/),
    fc.constantFrom(
      '10.0.0.0/24',
      'fd00::/64',
      '0.0.0.0/24',
      '::/0',
      'a=10.0.0.1',
      '__proto__=10.0.0.2',
      'constructor=1',
    ),
    fc
      .tuple(
        fc.constantFrom('com.docker.network.driver.mtu', 'parent', 'macvlan_mode', '__proto__', 'toString'),
        fc.string(),
      )
      .map((pair) => pair.join('=')),
  );
  const some = fc.array(piece, { maxLength: 3 });
  const noise = fc.record(
    {
      name: piece,
      driver: fc.oneof(piece, fc.constantFrom('bridge', 'macvlan', 'ipvlan', 'overlay', '__proto__', 'constructor')),
      ipv4: fc.boolean(),
      ipv6: fc.boolean(),
      subnets: some,
      ranges: some,
      gateways: some,
      auxiliary: some,
      options: some,
      labels: some,
    },
    { requiredKeys: ['name'] },
  );
  fc.assert(
    fc.property(noise, (words) => {
      try {
        const request = parseNetworkCreate(words as NetworkWords);
        t.deepEqual(parseNetworkCreate(formatNetworkCreate(request)), request);
        for (const { subnet, gateway } of request.pools)
          t.truthy(`${subnet && formatPrefix(subnet)}${gateway && formatAddress(gateway)}`);
      } catch (error) {
        if (!(error instanceof GangwayError)) throw error;
        t.truthy(error.message);
      }
    }),
    { numRuns: 5000 },
  );
});
