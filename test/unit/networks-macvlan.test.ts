import test from 'ava';
import { attachIpvlan, createIpvlan, type IpvlanNetwork, ipvlanRoutes } from '../../src/networks/ipvlan.ts';
import {
  attachMacvlan,
  createMacvlan,
  type MacvlanNetwork,
  macvlanRoutes,
  type WireEndpoint,
} from '../../src/networks/macvlan.ts';
import { chooseParent } from '../../src/networks/parent-interface.ts';
import { type Kinds, kindOf } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { Step } from '../../src/plan/step.ts';
import { undoOrder } from '../../src/plan/undo.ts';
import { type Family, parseAddress, parsePrefix } from '../../src/values/address.ts';
import { parseMac } from '../../src/values/mac.ts';

const kinds = kernelKinds as Kinds;

function read(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => kindOf(kinds, step).commands(step));
}

const sandbox = { namespace: 'c1' };
/** Those that the kernel has. */
const families = [4, 6] as const;
const subnet = (text: string, gateway?: string) => ({
  subnet: parsePrefix(text),
  ...(gateway === undefined ? {} : { gateway: parseAddress(gateway) }),
  auxiliary: {},
});

const endpoint: WireEndpoint = {
  id: '3f2a9c41d0b7'.padEnd(64, 'e'),
  link: 'eth0',
  mac: parseMac('02:42:cb:00:71:64'),
  addresses: [parsePrefix('203.0.113.100/24')],
};
const both: WireEndpoint = { ...endpoint, addresses: [...endpoint.addresses, parsePrefix('2001:db8:f::64/64')] };

const macvlan: MacvlanNetwork = {
  kind: 'macvlan',
  name: 'wire',
  parent: { kind: 'found', link: 'up0' },
  mode: 'bridge',
  mtuBytes: 1500,
  subnets: [subnet('198.51.100.0/24', '198.51.100.1'), subnet('203.0.113.0/24', '203.0.113.2')],
  internal: false,
};
const ipvlan: IpvlanNetwork = { ...macvlan, kind: 'ipvlan', mode: 'l2', flag: 'bridge' };

test('a parent that is there is used as it is', (t) => {
  t.deepEqual(createMacvlan(macvlan, families), []);
  t.deepEqual(createIpvlan(ipvlan, families), []);
});

test('a VLAN of a link: made, closed to IPv6 where the network has none, and up', (t) => {
  const parent = { kind: 'vlan', link: 'up0.10', trunk: 'up0', id: 10 } as const;
  t.deepEqual(read(createMacvlan({ ...macvlan, parent }, families)), [
    'ip link add link up0 name up0.10 type vlan id 10',
    'sysctl -qw net/ipv6/conf/up0.10/disable_ipv6=1',
    'ip link set up0.10 up',
  ]);
});

test('without a parent, a dummy', (t) => {
  const parent = { kind: 'dummy', link: 'di-3f2a9c41d0b7' } as const;
  const subnets = [subnet('fd00::/64')];
  t.deepEqual(read(createIpvlan({ ...ipvlan, parent, subnets }, families)), [
    'ip link add di-3f2a9c41d0b7 type dummy',
    'ip link set di-3f2a9c41d0b7 up',
  ]);
});

test('the parent is chosen: what is there, a VLAN of it, or none', (t) => {
  const choose = (wanted?: string) => chooseParent(wanted, 'dm-1', (link) => ['up0', 'up0.20', 'lo'].includes(link));
  t.deepEqual(choose('up0'), { kind: 'found', link: 'up0' });
  t.deepEqual(choose('up0.20'), { kind: 'found', link: 'up0.20' });
  t.deepEqual(choose('up0.10'), { kind: 'vlan', link: 'up0.10', trunk: 'up0', id: 10 });
  t.deepEqual(choose('up0.20.30'), { kind: 'vlan', link: 'up0.20.30', trunk: 'up0.20', id: 30 });
  t.deepEqual(choose(), { kind: 'dummy', link: 'dm-1' });
  for (const wrong of ['up9', 'up9.10', 'up0.0', 'up0.4095', 'up0.010', 'up0.', '.10', ''])
    t.throws(() => choose(wrong), { code: 'invalid-network', message: /not found/ }, wrong);
  t.throws(() => choose('lo'), { message: /loopback/ });
});

test('macvlan: born beside its parent’s namespace, named, closed to IPv6, addressed, up', (t) => {
  t.deepEqual(read(attachMacvlan(macvlan, endpoint, sandbox, families)), [
    'ip link add link up0 name gw3f2a9c41d0b7 address 02:42:cb:00:71:64 mtu 1500 netns c1 type macvlan mode bridge',
    'ip -n c1 link set gw3f2a9c41d0b7 name eth0',
    'ip netns exec c1 sysctl -qw net/ipv6/conf/eth0/disable_ipv6=1',
    'ip -n c1 address add 203.0.113.100/24 broadcast + dev eth0',
    'ip -n c1 link set eth0 up',
  ]);
});

test('macvlan in the mode passthru has no MAC to choose', (t) => {
  const { mtuBytes: _, ...inherited } = macvlan;
  t.is(
    read(attachMacvlan({ ...inherited, mode: 'passthru' }, endpoint, sandbox, families))[0],
    'ip link add link up0 name gw3f2a9c41d0b7 netns c1 type macvlan mode passthru',
  );
});

test('macvlan: the ways out are the gateways of the subnets in which the container is', (t) => {
  const mixed = { ...macvlan, subnets: [...macvlan.subnets, subnet('2001:db8:f::/64', '2001:db8:f::2')] };
  t.deepEqual(macvlanRoutes(mixed, both), [
    { family: 4, link: 'eth0', gateway: parseAddress('203.0.113.2') },
    { family: 6, link: 'eth0', gateway: parseAddress('2001:db8:f::2') },
  ]);
  t.deepEqual(macvlanRoutes({ ...mixed, internal: true }, both), []);
  t.deepEqual(macvlanRoutes({ ...macvlan, subnets: [subnet('203.0.113.0/24')] }, endpoint), []);
});

test('ipvlan: as macvlan, without a MAC', (t) => {
  t.deepEqual(read(attachIpvlan({ ...ipvlan, flag: 'private' }, endpoint, sandbox, families)), [
    'ip link add link up0 name gw3f2a9c41d0b7 mtu 1500 netns c1 type ipvlan mode l2 private',
    'ip -n c1 link set gw3f2a9c41d0b7 name eth0',
    'ip netns exec c1 sysctl -qw net/ipv6/conf/eth0/disable_ipv6=1',
    'ip -n c1 address add 203.0.113.100/24 broadcast + dev eth0',
    'ip -n c1 link set eth0 up',
  ]);
});

test('ipvlan: a gateway in l2, in l3 and l3s the parent’s routes', (t) => {
  t.deepEqual(ipvlanRoutes(ipvlan, endpoint), macvlanRoutes(macvlan, endpoint));
  for (const mode of ['l3', 'l3s'] as const) {
    const on = { ...ipvlan, mode };
    t.deepEqual(ipvlanRoutes(on, both), [
      { family: 4, link: 'eth0' },
      { family: 6, link: 'eth0' },
    ]);
    t.deepEqual(ipvlanRoutes({ ...on, internal: true }, both), []);
  }
});

test('both are deleted before their namespace is', (t) => {
  for (const plug of [
    attachMacvlan(macvlan, endpoint, sandbox, families),
    attachIpvlan(ipvlan, endpoint, sandbox, families),
  ]) {
    const all: readonly Step[] = [{ kind: 'namespace', name: 'c1', why: 'a test' }, ...plug];
    t.deepEqual(
      undoOrder(all, kinds).flatMap(({ step, handler: manner }) => manner.undoCommands(step)),
      ['ip -n c1 link delete eth0', 'ip netns delete c1'],
    );
  }
});

test('every step has a reason: one sentence, without a final stop', (t) => {
  const parent = { kind: 'vlan', link: 'up0.10', trunk: 'up0', id: 10 } as const;
  const all = [
    ...createMacvlan({ ...macvlan, parent }, families),
    ...createMacvlan({ ...macvlan, parent: { kind: 'dummy', link: 'dm-1' } }, families),
    ...attachMacvlan(macvlan, endpoint, sandbox, families),
    ...attachIpvlan(ipvlan, endpoint, sandbox, families),
  ];
  for (const { why } of all) t.regex(why, /^\S[^\n]*[^.\s]$/, why);
});

test('a kernel without IPv6 has nothing to close', (t) => {
  const all = (has: readonly Family[]) =>
    read([
      ...createMacvlan({ ...macvlan, parent: { kind: 'dummy', link: 'dm-1' } }, has),
      ...attachMacvlan(macvlan, endpoint, sandbox, has),
      ...attachIpvlan(ipvlan, endpoint, sandbox, has),
    ]);
  t.deepEqual(
    all([4]),
    all(families).filter((line) => !line.includes('ipv6')),
  );
  t.is(all(families).length - all([4]).length, 3);
});
