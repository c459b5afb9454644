import test from 'ava';
import { defaultPolicy } from '../../src/engine/store/network-lookup.ts';
import { nftables } from '../../src/firewall/nftables.ts';
import { chooseGsoSizes } from '../../src/networks/big-tcp.ts';
import {
  attachBridge,
  type BridgeNetwork,
  bridgeRoutes,
  createBridge,
  type Endpoint,
  policyOf,
} from '../../src/networks/bridge.ts';
import { defaultRoutes } from '../../src/networks/default-route.ts';
import { host } from '../../src/networks/host.ts';
import { enableForwarding } from '../../src/networks/masquerade.ts';
import { createNetwork } from '../../src/networks/network.ts';
import { portSteps, socketRemarks } from '../../src/networks/port-mapping.ts';
import { createSandbox } from '../../src/networks/sandbox.ts';
import { returnPath } from '../../src/networks/transparent-source.ts';
import { type Kinds, kindOf } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { Step } from '../../src/plan/step.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { gather } from '../../src/values/forward-set.ts';
import { parseMac } from '../../src/values/mac.ts';
import type { PortBinding } from '../../src/values/port.ts';

/** A chapter as the commands that do the same: a step is one line, without its reason. */
function read(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => kindOf(kernelKinds as Kinds, step).commands(step));
}

const sandbox = { namespace: 'c1' };
/** Those that the kernel has. */
const families = [4, 6] as const;

const network: BridgeNetwork = {
  ...defaultPolicy,
  kind: 'bridge',
  name: 'bridge',
  bridge: 'gangway0',
  mac: parseMac('02:42:01:02:03:04'),
  mtuBytes: 1500,
  subnets: [{ subnet: parsePrefix('172.17.0.0/16'), gateway: parseAddress('172.17.0.1'), auxiliary: {} }],
};
const twoFamilies: BridgeNetwork = {
  ...network,
  subnets: [...network.subnets, { subnet: parsePrefix('fd00::/64'), gateway: parseAddress('fd00::1'), auxiliary: {} }],
};

const endpoint: Endpoint = {
  id: 'e'.repeat(64),
  hostLink: 'veth1',
  link: 'eth0',
  mac: parseMac('02:42:ac:11:00:02'),
  addresses: [parsePrefix('172.17.0.2/16')],
};

test('none: a namespace with its loopback up, low ports and pings for everybody', (t) => {
  t.deepEqual(read(createSandbox(sandbox)), [
    'ip netns add c1',
    'ip -n c1 link set lo up',
    'ip netns exec c1 sysctl -qw net/ipv4/ip_unprivileged_port_start=0',
    "ip netns exec c1 sysctl -qw 'net/ipv4/ping_group_range=0 2147483647'",
  ]);
});

test('none, in a user namespace of its own: pings for the groups that exist in there, by their outer numbers', (t) => {
  const owner = { pin: '/run/pin', range: { first: 100000, length: 65536 } };
  const steps = createSandbox({ ...sandbox, owner });
  t.like(steps[0], { kind: 'namespace', name: 'c1', owner });
  t.true(read(steps).includes("ip netns exec c1 sysctl -qw 'net/ipv4/ping_group_range=100000 165535'"));
});

test('host: nothing', (t) => {
  t.deepEqual(host(), []);
});

test('bridge: the firewall knows the switch before it is there, and it is closed to IPv6 before it is on', (t) => {
  t.deepEqual(read(createBridge(network, families, nftables)), [
    'nft \'add element inet gangway bridges { "gangway0" }\'',
    'nft \'add element inet gangway same_bridge { "gangway0" . "gangway0" }\'',
    'nft \'add element inet gangway leaving { ipv4 . "gangway0" : goto leave_nat }\'',
    'nft \'add element inet gangway entering { ipv4 . "gangway0" : goto enter_nat }\'',
    'nft \'add element inet gangway subnets4 { "gangway0" . 172.17.0.0/16 }\'',
    "nft 'add element inet gangway inside4 { ipv4 . 172.17.0.0/16 }'",
    'nft \'add element inet gangway masqueraded { ipv4 . "gangway0" }\'',
    'ip link add gangway0 address 02:42:01:02:03:04 mtu 1500 type bridge mcast_snooping 0',
    'sysctl -qw net/ipv6/conf/gangway0/disable_ipv6=1',
    'sysctl -qw net/ipv4/conf/gangway0/rp_filter=2',
    'ip address add 172.17.0.1/16 broadcast + dev gangway0',
    'ip link set gangway0 up',
  ]);
});

test('bridge with IPv6: a gateway in each family, and no family is closed', (t) => {
  t.deepEqual(read(createBridge(twoFamilies, families, nftables)).slice(-6), [
    'ip link add gangway0 address 02:42:01:02:03:04 mtu 1500 type bridge mcast_snooping 0',
    'sysctl -qw net/ipv6/conf/gangway0/accept_ra=0',
    'sysctl -qw net/ipv4/conf/gangway0/rp_filter=2',
    'ip address add 172.17.0.1/16 broadcast + dev gangway0',
    'ip address add fd00::1/64 nodad dev gangway0',
    'ip link set gangway0 up',
  ]);
});

test('what no rule has seen goes into no network, and out of no internal one', (t) => {
  const internal = { ...twoFamilies, internal: true, gatewayModes: { 4: 'nat', 6: 'isolated' } } as const;
  const steps = read(createNetwork(internal, families, nftables));
  t.deepEqual(steps.slice(0, 4), [
    'ip rule add pref 640 iif lo to 172.17.0.0/16 lookup main protocol 103',
    'ip rule add pref 641 to 172.17.0.0/16 fwmark 0/0xffffffff blackhole protocol 103',
    'ip rule add pref 641 iif gangway0 fwmark 0/0xffffffff blackhole protocol 103',
    'ip -6 rule add pref 641 iif gangway0 fwmark 0/0xffffffff blackhole protocol 103',
  ]);
  t.is(steps.at(-1), 'sysctl -qw net/ipv4/conf/gangway0/src_valid_mark=1');
  t.deepEqual(
    read(createNetwork(twoFamilies, families, nftables)).filter((command) => command.includes(' -6 rule ')),
    [
      'ip -6 rule add pref 640 iif lo to fd00::/64 lookup main protocol 103',
      'ip -6 rule add pref 641 to fd00::/64 fwmark 0/0xffffffff blackhole protocol 103',
    ],
  );
});

test('a bridge whose containers may not talk asks the rules; an isolated family has no place for the machine', (t) => {
  const apart = {
    ...twoFamilies,
    interContainer: false,
    internal: true,
    gatewayModes: { 4: 'isolated', 6: 'isolated' },
  } as const;
  t.deepEqual(read(createBridge(apart, families, nftables)).slice(-4), [
    'ip link add gangway0 address 02:42:01:02:03:04 mtu 1500 type bridge mcast_snooping 0 nf_call_iptables 1 nf_call_ip6tables 1',
    'sysctl -qw net/ipv6/conf/gangway0/disable_ipv6=1',
    'sysctl -qw net/ipv4/conf/gangway0/arp_ignore=1',
    'ip link set gangway0 up',
  ]);
  const plugged = read(attachBridge(apart, { ...endpoint, isolated: true }, sandbox, families));
  t.true(plugged.includes('ip link set veth1 type bridge_slave isolated on'));
});

test('attach: one message for the cable, closed before it is up', (t) => {
  t.deepEqual(read(attachBridge(network, endpoint, sandbox, families)), [
    'ip netns exec c1 sysctl -qw net/ipv6/conf/default/disable_ipv6=1',
    'ip link add veth1 up mtu 1500 master gangway0 numtxqueues 1 numrxqueues 1 type veth' +
      ' peer name eth0 address 02:42:ac:11:00:02 mtu 1500 numtxqueues 1 numrxqueues 1 netns c1',
    'ip link set veth1 type bridge_slave hairpin on',
    'ip link set veth1 type bridge_slave group_fwd_mask 0xfffd',
    'sysctl -qw net/ipv6/conf/veth1/disable_ipv6=1',
    'ip -n c1 address add 172.17.0.2/16 broadcast + dev eth0',
    'ip -n c1 link set eth0 up',
  ]);
  t.deepEqual(read(defaultRoutes(bridgeRoutes(network, endpoint), sandbox)), [
    'ip -n c1 route add default via 172.17.0.1 dev eth0',
  ]);
});

test('large packets: into containers always, out of them over IPv4 where nothing gets out', (t) => {
  const { subnets } = twoFamilies;
  const both = { 4: 393_216, 6: 393_216 };
  const ipv4Alone = { 4: 393_216 };
  t.deepEqual(chooseGsoSizes({ internal: true, subnets }, [4, 6]).segments, { machine: both, containers: ipv4Alone });
  t.deepEqual(chooseGsoSizes({ internal: false, subnets }, [4, 6]).segments, { machine: both, containers: {} });
  const on = { bigTcp: 'on', internal: false, subnets } as const;
  t.deepEqual(chooseGsoSizes(on, [4, 6]).segments, { machine: both, containers: ipv4Alone });
  t.deepEqual(chooseGsoSizes({ bigTcp: 'off', internal: true, subnets }, [4, 6]), {});
  t.deepEqual(chooseGsoSizes({ internal: false, subnets: network.subnets }, [4, 6]).segments?.machine, ipv4Alone);
  t.deepEqual(chooseGsoSizes({ internal: true, subnets }, []), {}, 'a kernel that knows of none');
});

test('attach: the sizes of packets, the bridge’s once it has a port', (t) => {
  const segments = { machine: { 4: 393_216, 6: 393_216 }, containers: { 4: 393_216 } };
  t.deepEqual(read(attachBridge({ ...twoFamilies, segments }, endpoint, sandbox, families)).slice(1, 3), [
    'ip link add veth1 up mtu 1500 master gangway0 numtxqueues 1 numrxqueues 1 gso_max_size 393216 gro_max_size 393216' +
      ' gso_ipv4_max_size 393216 gro_ipv4_max_size 393216 type veth peer name eth0 address 02:42:ac:11:00:02 mtu 1500' +
      ' numtxqueues 1 numrxqueues 1 gso_ipv4_max_size 393216 gro_ipv4_max_size 393216 netns c1',
    'ip link set gangway0 gso_max_size 393216 gro_max_size 393216 gso_ipv4_max_size 393216 gro_ipv4_max_size 393216',
  ]);
});

test('a kernel without IPv6 has nothing to close, and no setting that could say so', (t) => {
  const steps = [...createBridge(network, [4], nftables), ...attachBridge(network, endpoint, sandbox, [4])];
  const closed = [...createBridge(network, families, nftables), ...attachBridge(network, endpoint, sandbox, families)];
  t.deepEqual(
    read(steps),
    read(closed).filter((line) => !line.includes('ipv6')),
  );
  t.is(closed.length - steps.length, 3);
});

test('attach: what somebody wants for the link is there before it is up', (t) => {
  const wanted = {
    ...endpoint,
    linkLocalAddresses: [parsePrefix('169.254.7.7/16')],
    sysctls: [{ key: 'net/ipv4/conf/eth0/log_martians', value: '1' }],
  };
  t.deepEqual(read(attachBridge(network, wanted, sandbox, families)).slice(-4), [
    'ip -n c1 address add 172.17.0.2/16 broadcast + dev eth0',
    'ip -n c1 address add 169.254.7.7/16 broadcast + dev eth0',
    'ip netns exec c1 sysctl -qw net/ipv4/conf/eth0/log_martians=1',
    'ip -n c1 link set eth0 up',
  ]);
});

test('attach with IPv6: an address and a way out in each family', (t) => {
  const both = { ...endpoint, addresses: [...endpoint.addresses, parsePrefix('fd00::2/64')] };
  t.deepEqual(read(attachBridge(twoFamilies, both, sandbox, families)).slice(4), [
    'ip -n c1 address add 172.17.0.2/16 broadcast + dev eth0',
    'ip -n c1 address add fd00::2/64 nodad dev eth0',
    'ip -n c1 link set eth0 up',
  ]);
  t.deepEqual(read(defaultRoutes(bridgeRoutes(twoFamilies, both), sandbox)), [
    'ip -n c1 route add default via 172.17.0.1 dev eth0',
    'ip -n c1 route add default via fd00::1 dev eth0',
  ]);
});

test('outbound: the guard stands before the machine forwards, and what was is remembered', (t) => {
  const steps = enableForwarding({ ipv4: { forwarding: '0', forwardingLinks: [] } }, nftables);
  t.deepEqual(read(steps), [
    "nft 'add element inet gangway closed_transit { ipv4 }'",
    'sysctl -qw net/ipv4/ip_forward=1',
  ]);
  t.like(steps.at(-1), { was: '0' });
});

test('outbound in IPv6: who listens to routers goes on listening, and forwards only then', (t) => {
  const steps = enableForwarding(
    {
      ipv4: { forwarding: '1', forwardingLinks: [] },
      ipv6: { forwarding: '0', forwardingLinks: [], routerAdvertisementLinks: ['eth0', 'wlan0'] },
    },
    nftables,
  );
  t.deepEqual(read(steps), [
    "nft 'add element inet gangway closed_transit { ipv6 }'",
    'sysctl -qw net/ipv6/conf/eth0/accept_ra=2',
    'sysctl -qw net/ipv6/conf/wlan0/accept_ra=2',
    'sysctl -qw net/ipv6/conf/all/forwarding=1',
  ]);
  t.deepEqual(
    steps.map((step) => (step.kind === 'sysctl' ? step.was : undefined)),
    [undefined, '1', '1', '0'],
  );
  t.deepEqual(
    enableForwarding({ ipv6: { forwarding: '1', forwardingLinks: [], routerAdvertisementLinks: ['eth0'] } }, nftables),
    [],
  );
});

test('outbound on a machine that is a router by some of its links: they are so afterwards, and nothing of theirs is cut', (t) => {
  const steps = enableForwarding({ ipv4: { forwarding: '0', forwardingLinks: ['eth0', 'eth1'] } }, nftables);
  t.deepEqual(read(steps), [
    'sysctl -qw net/ipv4/conf/eth0/forwarding=1',
    'sysctl -qw net/ipv4/conf/eth1/forwarding=1',
    'sysctl -qw net/ipv4/ip_forward=1',
  ]);
  t.deepEqual(
    steps.map((step) => (step.kind === 'sysctl' ? step.was : undefined)),
    ['1', '1', '0'],
  );
});

test('outbound on a machine that forwards already: not ours to guard, nor to turn off', (t) => {
  t.deepEqual(enableForwarding({ ipv4: { forwarding: '1', forwardingLinks: ['eth0'] } }, nftables), []);
});

function bound(hostAddress: string, protocol: PortBinding['protocol'] = 'tcp'): PortBinding {
  return { protocol, hostAddress: parseAddress(hostAddress), hostPort: 8080, containerPort: 80 };
}

const toContainer = (binding: PortBinding) => ({ binding, target: parseAddress('172.17.0.2') });
const behind = () => policyOf(network);

test('publish: an element for each port that the kernel can carry, and guards for those that a process carries', (t) => {
  const bindings = [bound('0.0.0.0'), bound('::'), bound('203.0.113.1', 'udp'), bound('127.0.0.1'), bound('::1')];
  const steps = portSteps(gather(bindings.map(toContainer)), behind, nftables);
  t.deepEqual(read(steps), [
    "nft 'add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }'",
    "nft 'add element inet gangway carried_ports { ipv4 . tcp . 8080 }'",
    "nft 'add element inet gangway carried_ports { ipv6 . tcp . 8080 }'",
    "nft 'add element inet gangway host_ports4 { 203.0.113.1 . udp . 8080 : 172.17.0.2 . 80 }'",
    "nft 'add element inet gangway carried_host_ports4 { 203.0.113.1 . udp . 8080 }'",
    "nft 'add element inet gangway loopback_ports4 { 127.0.0.1 . tcp . 8080 }'",
  ]);
  t.is(steps[3]?.why, 'published: 203.0.113.1:8080/udp leads to 172.17.0.2:80');
});

test('transparent: a mark for answers, a table in which everything is here, and a rule that leads there', (t) => {
  const [rules = '', ...ways] = read(returnPath([4, 6]));
  t.regex(rules, /socket transparent 1 socket mark 0x10000001 meta mark set 0x10000001/);
  t.deepEqual(ways, [
    'ip route add local default dev lo table 268435457',
    'ip rule add pref 642 fwmark 0x10000001 lookup 268435457 protocol 103',
    'ip -6 route add local default dev lo table 268435457',
    'ip -6 rule add pref 642 fwmark 0x10000001 lookup 268435457 protocol 103',
  ]);
});

test('publish: what two ports of the host open in common is one step', (t) => {
  const routed = () => ({ bridge: 'br0', gatewayModes: { 4: 'routed', 6: 'routed' }, trustedLinks: [] }) as const;
  const twice = [bound('0.0.0.0'), { ...bound('203.0.113.1'), hostPort: 8081 }].map(toContainer);
  t.deepEqual(read(portSteps(gather(twice), routed, nftables)), [
    'nft \'add element inet gangway open_ports4 { "br0" . 172.17.0.2 . tcp . 80 }\'',
  ]);
});

test('publish: every port has a socket too, which is told in a sentence', (t) => {
  t.deepEqual(socketRemarks([bound('::1')].map(toContainer)), [
    'no command: a socket of the switchboard holds [::1]:8080/tcp, and carries what the rules can’t to 172.17.0.2:80',
  ]);
  t.deepEqual(socketRemarks([{ ...bound('0.0.0.0'), clientAddress: 'header' } as const].map(toContainer)), [
    'no command: a socket of the switchboard holds 0.0.0.0:8080/tcp, and carries everything to 172.17.0.2:80, behind a header that tells who asks',
  ]);
});

test('every step of every chapter has a reason: one sentence, without a final stop', (t) => {
  const all = [
    ...createSandbox(sandbox),
    ...createBridge(twoFamilies, families, nftables),
    ...attachBridge(network, endpoint, sandbox, families),
    ...enableForwarding({ ipv4: { forwarding: '0', forwardingLinks: [] } }, nftables),
    ...portSteps(gather([bound('0.0.0.0')].map(toContainer)), behind, nftables),
  ];
  for (const { why } of all) t.regex(why, /^\S[^\n]*[^.\s]$/, why);
});
