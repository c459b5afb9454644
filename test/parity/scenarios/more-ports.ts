/** Further published ports: the portable tests of behaviour.md 5. */
import { at, command, everyPair, fetch, idle, inspect, type Scenario, serve, server } from '../scenario.ts';

export const morePorts: readonly Scenario[] = [
  {
    title: 'one port on two loopback addresses',
    cites: ['TestPortMappingOnDistinctLoopbackAddrs'],
    steps: [
      ...server('web1', '-p 127.0.0.1:8080:80'),
      ...server('web2', '-p 127.0.0.2:8080:80'),
      command('run --rm -p 127.0.0.1:8080:80 IMAGE true'),
      command('run --rm -p 8080:80 IMAGE true'),
      ...everyPair(fetch, ['host'], ['127.0.0.1:8080', '127.0.0.2:8080', '127.0.0.3:8080']),
      command('rm -f web1'),
      ...everyPair(fetch, ['host'], ['127.0.0.1:8080', '127.0.0.2:8080']),
    ],
  },
  {
    title: 'a container that begins again keeps its port',
    cites: ['TestRestartUserlandProxyUnder2MSL', 'TestReuseReleasedPort'],
    steps: [
      ...server('web1', '-p 8080:80'),
      fetch('host', '127.0.0.1:8080'),
      command('restart -t 0 web1'),
      serve('web1'),
      ...everyPair(fetch, ['host', 'world'], ['203.0.113.1:8080']),
      fetch('host', '127.0.0.1:8080'),
      command('port web1'),
      command('stop -t 0 web1'),
      ...everyPair(fetch, ['host', 'world'], ['203.0.113.1:8080']),
      command('port web1'),
      command('start web1'),
      command('port web1'),
    ],
  },
  {
    title: 'forwarded traffic to a published port number',
    cites: ['behaviour 3, CVE-2025-67499'],
    outside: ['neighbour'],
    steps: [
      ...server('web1', '-p 8080:80'),
      idle('--name web2'),
      at(
        'neighbour',
        `socat TCP-LISTEN:8080,fork,reuseaddr SYSTEM:'while read -r line && [ \${#line} -gt 1 ]; do :; done; printf "HTTP/1.0 200 OK\\n\\nthe neighbour\\n"' >/dev/null 2>&1 &`,
      ),
      ...everyPair(fetch, ['host', 'web2', 'web1'], ['203.0.113.3:8080']),
      fetch('web2', '203.0.113.1:8080'),
    ],
  },
  {
    title: 'two networks, one port',
    cites: ['TestAccessToPublishedPort'],
    steps: [
      command('network create one'),
      command('network create two'),
      command('network create --internal inside'),
      ...server('web1', '--network one -p 8080:80'),
      idle('--name client --network two'),
      idle('--name caged --network inside'),
      ...everyPair(
        fetch,
        ['client', 'caged'],
        ['203.0.113.1:8080', '172.18.0.1:8080', '172.18.0.2', '172.20.0.1:8080'],
      ),
      inspect('web1', '.NetworkSettings.Ports'),
    ],
  },
  {
    title: 'a chosen default gateway',
    cites: ['TestSetDefaultGw', 'behaviour 1.3'],
    steps: [
      command('network create --subnet 10.1.0.0/24 --aux-address DefaultGatewayIPv4=10.1.0.77 gated'),
      idle('--name web1 --network gated'),
      { kind: 'routes', place: 'web1' },
      inspect('web1', '.NetworkSettings.Networks.gated.Gateway'),
      command(
        'network create --subnet 10.2.0.0/24 -o com.docker.network.bridge.inhibit_ipv4=true -o com.docker.network.bridge.name=bare0 bare',
      ),
      idle('--name web2 --network bare'),
      { kind: 'routes', place: 'web2' },
      at('host', 'ip -4 address show bare0 >/dev/null'),
    ],
  },
];
