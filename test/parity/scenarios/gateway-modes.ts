/** Who gets through to a bridge around its published ports: behaviour.md 1.6, and 5 on direct routing. */
import {
  at,
  command,
  datagram,
  everyPair,
  fetch,
  idle,
  inspect,
  links,
  ping,
  type Scenario,
  server,
} from '../scenario.ts';

const mode = (text: string) => `-o com.docker.network.bridge.gateway_mode_ipv4=${text}`;
/** A server on port 80, which is published, and on 7/udp, which is not. */
const modes = ['nat', 'routed', 'nat-unprotected'].flatMap((one, index) => [
  command(`network create ${mode(one)} --subnet 10.${index + 1}.0.0/24 ${one}`),
  ...server(one.replace('-', '_'), `--network ${one} -p ${8080 + index}:80`),
]);
const servers = ['10.1.0.2', '10.2.0.2', '10.3.0.2'];

export const gatewayModes: readonly Scenario[] = [
  {
    title: 'gateway modes, from outside',
    cites: ['TestDirectRoutingOpenPorts', 'TestDisableNAT', 'behaviour 1.6'],
    outside: ['neighbour'],
    steps: [
      ...modes,
      at('neighbour', 'ip route add 10.0.0.0/8 via 203.0.113.1'),
      at('host', 'iptables -P FORWARD ACCEPT'),
      ...everyPair(ping, ['neighbour'], servers),
      ...everyPair(fetch, ['neighbour'], servers),
      ...servers.map((address) => datagram('neighbour', `${address}:7`)),
      ...everyPair(fetch, ['neighbour'], ['203.0.113.1:8080', '203.0.113.1:8081', '203.0.113.1:8082']),
      ...['nat', 'routed', 'nat_unprotected'].map((name) => inspect(name, '.NetworkSettings.Ports')),
    ],
  },
  {
    title: 'gateway modes, from network to network',
    cites: ['TestInterNetworkDirectRouting', 'TestBridgeINCRouted', 'behaviour 2h'],
    steps: [
      ...modes,
      ...everyPair(fetch, ['nat', 'routed', 'nat_unprotected'], servers),
      ...everyPair(ping, ['nat', 'routed', 'nat_unprotected'], servers),
    ],
  },
  {
    title: 'a routed network that has not the default route',
    cites: ['TestRoutedNonGateway'],
    outside: ['neighbour'],
    steps: [
      command('network create --subnet 10.1.0.0/24 aa'),
      command(`network create ${mode('routed')} --subnet 10.2.0.0/24 zz`),
      at('neighbour', 'ip route add 10.2.0.0/24 via 203.0.113.1'),
      ...server('web1', '--network aa -p 8080:80'),
      command('network connect zz web1'),
      ...everyPair(fetch, ['neighbour'], ['203.0.113.1:8080', '10.2.0.2']),
      datagram('neighbour', '10.2.0.2:7'),
    ],
  },
  {
    title: 'links of the host that are trusted',
    cites: ['TestAllowDirectRemoteAccessOnExposedPort', 'behaviour 1.3'],
    outside: ['neighbour'],
    steps: [
      command('network create --subnet 10.1.0.0/24 -o com.docker.network.bridge.trusted_host_interfaces=up0 trusting'),
      ...server('web1', '--network trusting -p 8080:80'),
      at('neighbour', 'ip route add 10.1.0.0/24 via 203.0.113.1'),
      at('host', 'iptables -P FORWARD ACCEPT'),
      fetch('neighbour', '10.1.0.2'),
      datagram('neighbour', '10.1.0.2:7'),
      ping('neighbour', '10.1.0.2'),
    ],
  },
  {
    title: 'an isolated network',
    cites: ['TestIsolated'],
    steps: [
      command(
        `network create --internal --subnet 10.1.0.0/24 ${mode('isolated')} -o com.docker.network.bridge.name=alone0 alone`,
      ),
      ...server('web1', '--network alone --ip 10.1.0.9'),
      idle('--name web2 --network alone'),
      links('host'),
      fetch('web2', '10.1.0.9'),
      ...everyPair(ping, ['web2'], ['10.1.0.1', '203.0.113.1', '203.0.113.2']),
      fetch('host', '10.1.0.9'),
    ],
  },
  {
    title: 'whose packets the host forwards',
    cites: ['TestFilterForwardPolicy', 'golden 04'],
    outside: ['neighbour'],
    steps: [
      at('world', 'ip address add 198.51.100.2/24 dev eth0'),
      at('host', 'ip address add 198.51.100.1/24 dev up0'),
      at('neighbour', 'ip route add 198.51.100.0/24 via 203.0.113.1'),
      ...server('web1', '-p 8080:80'),
      ping('neighbour', '198.51.100.2'),
      fetch('neighbour', '203.0.113.1:8080'),
    ],
  },
];
