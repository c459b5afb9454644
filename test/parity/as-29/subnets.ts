/** Differences of Docker 29: subnets of one family, macvlan and ipvlan subnets, and their inspection. */
import type { As29 } from '../verdict.ts';
import { feature } from './feature.ts';

const six = { cite: '1.1, TestDisableIPv4', why: 'a network may have IPv6 only' };
const ranges = {
  cite: '5, Test64BitIPRange',
  why: 'an IPv6 network may have a range of any size, with a given IPv4 subnet',
};
const wire = {
  cite: '2i',
  why: 'macvlan and ipvlan networks have a gateway only if it was given, and reserve no address for it',
};
const sharedParent = 'several networks may share a parent, except in passthru mode';
const noFamily = {
  cite: '5, TestDisableIPv6Addrs',
  why: 'a container without IPv6 has no IPv6 address, also in its files and in DNS',
};

export const subnets: readonly As29[] = [
  ...feature('IPv6 alone', six, {
    'network create --ipv4=false --ipv6 --subnet fd00:6::/64 only6': 'exit 0\n<id of only6>',
    'run -d --name web1 --network only6 -p 8080:80 IMAGE sleep 1000': 'exit 0\n<id of web1>',
    'run -d --name web2 --network only6 IMAGE sleep 1000': 'exit 0\n<id of web2>',
    'web1 serves': 'ready',
    'web1 links': 'lo mtu 65536 UNKNOWN: 127.0.0.1/8, ::1/128\neth0 veth mtu 1500 UP: fd00:6::2/64',
    'web1 routes': 'default via fd00:6::1 dev eth0\nfd00:6::/64 dev eth0',
    'web1 /etc/hosts': `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
fd00:6::2\t<web1>`,
    'fetch web2 → [fd00:6::2]': 'sees fd00:6::3',
    'dig web1 AAAA from web2': 'NOERROR\nweb1. 600 IN AAAA fd00:6::2',
    'dig web1 from web2': 'NOERROR',
    'dig ext.corp.test from web2': 'NOERROR\next.corp.test. 60 IN A 192.0.2.7',
    'fetch world → [2001:db8:f::1]:8080': 'sees 2001:db8:f::2',
    'fetch web2 → [2001:db8:f::2]': 'sees 2001:db8:f::1',
    'inspect network only6 .IPAM.Config': '[{"Gateway":"fd00:6::1","Subnet":"fd00:6::/64"}]',
  }),
  ...feature('ranges of IPv6 addresses', ranges, {
    'network create --ipv6 --subnet fd00:1::/64 --ip-range fd00:1::/64 whole': 'exit 0\n<id of whole>',
    'network create --ipv6 --subnet fd00:2::/56 --ip-range fd00:2:0:0:8000::/65 half': 'exit 0\n<id of half>',
    'run -d --name whole1 --network whole IMAGE sleep 1000': 'exit 0\n<id of whole1>',
    'inspect whole1 .NetworkSettings.Networks.whole.GlobalIPv6Address': '"fd00:1::2"',
    'run -d --name half1 --network half IMAGE sleep 1000': 'exit 0\n<id of half1>',
    'inspect half1 .NetworkSettings.Networks.half.GlobalIPv6Address': '"fd00:2::8000:0:0:1"',
  }),
  ...feature('several subnets on the wire', wire, {
    'web1 routes': '10.1.0.0/24 dev eth0 src 10.1.0.9',
    'web3 links': 'lo mtu 65536 UNKNOWN: 127.0.0.1/8, ::1/128\neth0 macvlan mtu 1500 UP: 10.1.0.1/24 brd 10.1.0.255',
    'web3 routes': '10.1.0.0/24 dev eth0 src 10.1.0.1',
    'inspect web1 .NetworkSettings.Networks.mv.Gateway': '""',
  }),
  ...feature(
    'ports that the machine keeps back',
    { cite: '2d', why: 'a reserved port is assigned only on explicit request' },
    {
      'port web1': 'exit 0\n80/tcp -> 0.0.0.0:50001\n80/tcp -> [::]:50001',
      'run -d --name web2 -p 50000:80 IMAGE sleep 1000': 'exit 0\n<id of web2>',
      'port web2': 'exit 0\n80/tcp -> 0.0.0.0:50000\n80/tcp -> [::]:50000',
      'run --rm -p 81 IMAGE true': 'exit 125, complains',
    },
  ),
  ...feature(
    'a link that wants no IPv6',
    {
      cite: '2j',
      why: 'links are numbered in the order of connection, and each has the address families of its network',
    },
    {
      'web1 net.ipv6.conf.eth0.disable_ipv6': '1',
      'web1 net.ipv6.conf.eth1.disable_ipv6': '0',
      'web1 links': `lo mtu 65536 UNKNOWN: 127.0.0.1/8, ::1/128
eth0 veth mtu 1500 UP: 10.1.0.2/24 brd 10.1.0.255
eth1 veth mtu 1500 UP: 10.2.0.2/24 brd 10.2.0.255, fd00:2::2/64`,
      'web1 routes': `10.1.0.0/24 dev eth0 src 10.1.0.2
10.2.0.0/24 dev eth1 src 10.2.0.2
default via 10.2.0.1 dev eth1
default via fd00:2::1 dev eth1
fd00:2::/64 dev eth1`,
    },
  ),
  ...feature(
    'subnets on the wire that overlap',
    { cite: '2i', why: sharedParent },
    { 'network ls --filter driver=macvlan --format {{.Name}}': 'exit 0\nfive\nfour\none' },
  ),
  {
    where: /^on the wire: run --rm --network mv -p 8080:80 IMAGE true$/,
    expected: () => 'exit 0, complains',
    cite: '2i',
    why: 'macvlan and ipvlan networks ignore published ports, with a warning',
  },
  ...feature('on the wire, without a way out', wire, {
    'web1 links': 'lo mtu 65536 UNKNOWN: 127.0.0.1/8, ::1/128\neth0 macvlan mtu 1500 UP: 10.9.0.1/24 brd 10.9.0.255',
    'web1 routes': '10.9.0.0/24 dev eth0 src 10.9.0.1',
  }),
  ...feature('a VLAN of its own', wire, {
    'web1 links': 'lo mtu 65536 UNKNOWN: 127.0.0.1/8, ::1/128\neth0 macvlan mtu 1500 UP: 10.1.0.1/24 brd 10.1.0.255',
  }),
  ...feature('ipvlan, layer 2', wire, { 'web3 routes': '10.2.0.0/24 dev eth0 src 10.2.0.9' }),
  ...feature(
    'ipvlan, layer 3, and a bridge',
    { cite: '5, TestMixL3IPVlanAndBridge', why: 'who routes by ipvlan may join a bridge as well' },
    { 'network connect my_next web1': 'exit 0' },
  ),
  {
    where: /: network create -d macvlan .* -o parent=up0 second$/,
    expected: () => 'exit 0\n<id of second>',
    cite: '2i',
    why: sharedParent,
  },
  {
    where: /: network create -d macvlan .* -o parent=other0 five$/,
    expected: () => 'exit 0\n<id of five>',
    cite: '2i',
    why: sharedParent,
  },
  ...feature('a container that wants no IPv6', noFamily, {
    'dig web1 AAAA from web2': 'NOERROR',
    'inspect web1 .NetworkSettings.Networks.both.GlobalIPv6Address': '""',
  }),
  ...feature(
    'how full a network is',
    { cite: '1.2, TestBridgeIPAMStatus', why: 'inspect shows the number of used addresses of a subnet' },
    // In use: network, broadcast and gateway, two that are kept, and the container; of the range three of eight.
    { 'inspect network full .Status.IPAM.Subnets': '{"10.1.0.0/24":{"DynamicIPsAvailable":5,"IPsInUse":6}}' },
  ),
  {
    where: /^what inspect says of addresses: inspect network net1 .IPAM.Config$/,
    expected: (docker) => docker.replace(',"Subnet"', ',"Gateway":"10.1.0.1","Subnet"'),
    cite: '5, TestNetworkInspectGateway',
    why: 'inspect shows the gateway, even if the gateway was not chosen',
  },
];
