/** Which port of the host it becomes: the tests of behaviour.md 5 on port mappings and allocation. */
import { at, command, datagram, everyPair, fetch, idle, inspect, type Scenario, server } from '../scenario.ts';

export const chosenPorts: readonly Scenario[] = [
  {
    title: 'free ports of any address and of one',
    cites: ['TestMixAnyWithSpecificHostAddrs', 'TestMixUnspecAndSpecificAddrs'],
    setting: "sysctl -q -w net.ipv4.ip_local_port_range='50000 50003'",
    steps: [
      idle('--name web1 -p 80 -p 127.0.0.1::81'),
      idle('--name web2 -p 127.0.0.1::80 -p 80/udp'),
      command("inspect -f '{{len (index .NetworkSettings.Ports `80/tcp`)}}' web1"),
      command('run --rm -p 127.0.0.1:50000:80 IMAGE true'),
      command('run --rm -p 82 -p 83 -p 84 IMAGE true'),
    ],
  },
  {
    title: 'ports that the machine keeps back',
    cites: ['TestRequestNewPortSkipsReservedPorts', 'TestRequestSpecificReservedPort', 'TestRequestNewPortAllReserved'],
    setting: "sysctl -q -w net.ipv4.ip_local_port_range='50000 50001' net.ipv4.ip_local_reserved_ports=50000",
    steps: [
      idle('--name web1 -p 80'),
      command('port web1'),
      idle('--name web2 -p 50000:80'),
      command('port web2'),
      command('run --rm -p 81 IMAGE true'),
    ],
  },
  {
    title: 'a port on the address of the other family',
    cites: ['TestProxy4To6', 'TestAddPortMappings'],
    steps: [
      ...server('web1', '-p [2001:db8:f::1]:8080:80 -p [::1]:8081:80 -p 8082-8083:80-81 -p 8084:7/udp -p 8084:80/tcp'),
      ...everyPair(fetch, ['world'], ['[2001:db8:f::1]:8080', '203.0.113.1:8080', '[2001:db8:f::1]:8082']),
      ...everyPair(fetch, ['host'], ['[2001:db8:f::1]:8080', '[::1]:8081', '[2001:db8:f::1]:8084']),
      ...everyPair(datagram, ['world', 'host'], ['203.0.113.1:8084', '[2001:db8:f::1]:8084']),
      command('port web1'),
      inspect('web1', '.NetworkSettings.Ports'),
    ],
  },
  {
    title: 'half of a connection is closed',
    cites: ['TestTCP4ProxyHalfClose'],
    steps: [
      command('run -d --name web1 -p 8080:80 IMAGE nc -l -p 80 -e cat'),
      at('host', '[ "$(printf half | timeout 5 socat -t5 - TCP4:127.0.0.1:8080)" = half ]'),
    ],
  },
  {
    title: 'a network that frees its addresses',
    cites: ['TestFullAllocateRelease', 'TestRequestReleaseAddressFromSubPool'],
    steps: [
      command('network create --subnet 10.1.0.0/29 --ip-range 10.1.0.4/30 small'),
      ...['a1', 'a2'].map((name) => idle(`--name ${name} --network small`)),
      command('run --rm --network small IMAGE true'),
      command('rm -f a1 a2'),
      ...['b1', 'b2'].map((name) => idle(`--name ${name} --network small`)),
      command('run --rm --network small IMAGE true'),
      command('rm -f b1 b2'),
      command('network rm small'),
    ],
  },
  {
    title: 'frames that are large',
    cites: ['TestMTUBiggerThan1500', 'TestMTUBiggerThan64K'],
    steps: [
      command('network create -o com.docker.network.driver.mtu=9000 jumbo'),
      idle('--name web1 --network jumbo'),
      { kind: 'links', place: 'web1' },
      idle('--name web2 --network jumbo'),
      at('web1', 'ping -n -c1 -W2 -M do -s 8000 172.18.0.3'),
      command('network create -o com.docker.network.driver.mtu=65536 --subnet 10.3.0.0/24 giant'),
      command('network create -o com.docker.network.driver.mtu=65535 --subnet 10.4.0.0/24 tall'),
      idle('--name web3 --network tall'),
      { kind: 'links', place: 'web3' },
    ],
  },
];
