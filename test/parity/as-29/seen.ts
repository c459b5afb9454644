/** Where Debian's 26.1.5 and Docker Engine 29 differ. 29 is the model; the sections are those of behaviour.md. */
import type { As29 } from '../verdict.ts';

/** The addresses of the second container are what they are because nothing was given out twice at once. */
const inTheOrderOfJoining: Readonly<Record<string, string>> = {
  links: `lo mtu 65536 UNKNOWN: 127.0.0.1/8, ::1/128
eth0 veth mtu 1500 UP: 10.2.0.3/24 brd 10.2.0.255
eth1 veth mtu 1500 UP: 10.3.0.2/24 brd 10.3.0.255
eth2 veth mtu 1500 UP: 10.1.0.3/24 brd 10.1.0.255`,
  routes: `10.1.0.0/24 dev eth2 src 10.1.0.3
10.2.0.0/24 dev eth0 src 10.2.0.3
10.3.0.0/24 dev eth1 src 10.3.0.2
default via 10.3.0.1 dev eth1`,
};

export const seen: readonly As29[] = [
  {
    where: / \/etc\/hosts$/,
    expected: (docker) => docker.replace('fe00::0\t', 'fe00::\t').replace('ff00::0\t', 'ff00::\t'),
    cite: '2f',
    why: 'the two IPv6 prefixes in /etc/hosts have no last zero',
  },
  {
    where: /^connect and disconnect: web1 \/etc\/hosts$/,
    expected: (docker) => (docker.endsWith('ip6-allrouters') ? `${docker}\n172.19.0.3\t<web1>` : docker),
    cite: '2f and 5, TestEtcHostsDisconnect',
    why: 'disconnecting removes the lines of that network from /etc/hosts, and keeps those of other networks',
  },
  {
    where: /^connect and disconnect: web1 links$/,
    expected: (docker) => {
      const [lo, eth1, eth2 = ''] = docker.split('\n');
      return eth2.startsWith('eth2') ? [lo, eth2.replace('eth2', 'eth0'), eth1].join('\n') : docker;
    },
    cite: '2j',
    why: 'a link gets the lowest free number, even if the number was used before',
  },
  {
    where: /^which network has the default route: web1 /,
    expected: (docker) => docker.replaceAll('eth3', 'eth2'),
    cite: '2j',
    why: 'a link gets the lowest free number, even if the number was used before',
  },
  {
    where: /^which network has the default route: web2 (links|routes)$/,
    expected: (docker) => inTheOrderOfJoining[docker.startsWith('lo') ? 'links' : 'routes'] ?? docker,
    cite: '2j',
    why: 'links are numbered in the order of connection, not by the names of networks',
  },
  {
    where: /^which network has the default route: web2 \/etc\/hosts$/,
    expected: (docker) => {
      const lines = docker.split('\n');
      return [...lines.slice(0, -3), lines.at(-1), ...lines.slice(-3, -1)].join('\n');
    },
    cite: '2j',
    why: 'links are numbered in the order of connection, not by the names of networks',
  },
  {
    where: /: network connect --ip (172.19.0.77 other web1|172.18.0.9 my_next idle)$/,
    expected: () => 'exit 0',
    cite: '1.4, TestSetIPWithNoConfiguredSubnet',
    why: '--ip works in every user-defined network, even if Docker chose the subnet',
  },
  {
    where: /^a way around the host: (fetch neighbour → 172.17.0.[23]|datagram neighbour)/,
    expected: () => 'silence',
    cite: '1.6 and 3, 28.0 hardening',
    why: 'containers are reachable only through published ports, with each FORWARD policy',
  },
  {
    where: /^a published port from every place: datagram (web1|near|far|legacy) → /,
    expected: () => 'sees 172.18.0.1',
    cite: '2e, PKTINFO',
    why: 'a reply to a datagram comes from the requested address, so that a connected socket accepts it',
  },
  {
    where: /^both families: inspect network six .IPAM.Config$/,
    expected: () =>
      '[{"Gateway":"172.18.0.1","Subnet":"172.18.0.0/16"},{"Gateway":"fd00:aa::1","Subnet":"fd00:aa::/64"}]',
    cite: '5, TestNetworkInspectGateway',
    why: 'inspect shows the gateway, even if the gateway was not chosen',
  },
  {
    where: /^a way around the host with IPv6: (ping|fetch) world → \[?fd00:aa::2/,
    expected: () => 'silence',
    cite: '1.6 and 2b, ip6tables',
    why: 'IPv6 is filtered and translated like IPv4',
  },
  {
    where: /^a way around the host with IPv6: fetch world → \[2001:db8:f::1\]:8080$/,
    expected: () => 'sees 2001:db8:f::2',
    cite: '1.6 and 2b, ip6tables',
    why: 'IPv6 is filtered and translated like IPv4',
  },
  {
    where: /^IPv6 without a subnet: (network create|run -d)/,
    expected: (docker) => `exit 0\n${docker.includes('web1') ? '<id of web1>' : '<id of ula>'}`,
    cite: '2g, TestCreateWithIPv6DefaultsToULAPrefix',
    why: 'an IPv6 network without a subnet gets a unique local subnet',
  },
  {
    where: /^IPv6 without a subnet: ping web1/,
    expected: () => 'answers',
    cite: '2g, TestCreateWithIPv6DefaultsToULAPrefix',
    why: 'an IPv6 network without a subnet gets a unique local subnet',
  },
];
