/** Internal networks and those without talk among their own: golden.md 13 and 14. */
import { command, everyPair, fetch, idle, inspect, ping, type Scenario, server, view } from '../scenario.ts';

export const isolation: readonly Scenario[] = [
  {
    title: 'an internal network',
    cites: ['golden 13', 'TestInternalNwConnectivity'],
    steps: [
      command('network create --internal inside'),
      ...server('web1', '--network inside -p 8080:80'),
      ...server('web2', '--network inside'),
      idle('--name far'),
      ...view('web1'),
      ...everyPair(fetch, ['web2', 'host', 'far', 'world'], ['172.18.0.2']),
      ...everyPair(ping, ['web1'], ['172.18.0.1', '203.0.113.1', '203.0.113.2']),
      ...everyPair(fetch, ['world', 'host', 'far'], ['203.0.113.1:8080']),
      command('port web1'),
      inspect('web1', '.NetworkSettings.Ports'),
      inspect('web1', '.NetworkSettings.Networks.inside.Gateway'),
      inspect('network inside', '.Internal'),
    ],
  },
  {
    title: 'containers that may not talk to each other',
    cites: ['golden 14'],
    steps: [
      command('network create -o com.docker.network.bridge.enable_icc=false quiet'),
      ...server('web1', '--network quiet -p 8080:80'),
      ...server('web2', '--network quiet'),
      ...everyPair(fetch, ['web1', 'host', 'world'], ['172.18.0.3']),
      ...everyPair(ping, ['web1'], ['172.18.0.3', '172.18.0.1', '203.0.113.2']),
      fetch('web1', '203.0.113.2'),
      ...everyPair(fetch, ['web2', 'web1', 'host', 'world'], ['203.0.113.1:8080']),
    ],
  },
];
