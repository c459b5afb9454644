/** `--link`, old and new, and which network a word means. */
import { command, dig, file, idle, inspect, type Scenario, server } from '../scenario.ts';

export const links: readonly Scenario[] = [
  {
    title: 'links on the default bridge',
    cites: ['TestLegacyLink', 'golden 08'],
    steps: [
      ...server('db', '--expose 80'),
      idle('--name web1 --link db --link db:store'),
      file('web1', '/etc/hosts'),
      command('exec web1 wget -qO- http://store/'),
      inspect('web1', '.HostConfig.Links'),
      command('run --rm --link nope IMAGE true'),
      command('run --rm --link db:a/b IMAGE true'),
      command('run --rm --network host --link db IMAGE true'),
      command('stop -t 0 db'),
      command('start db'),
      file('web1', '/etc/hosts'),
    ],
  },
  {
    title: 'links of a network of one’s own',
    cites: ['TestRemoveLegacyLink', 'golden 08'],
    steps: [
      command('network create my_next'),
      ...server('db', '--network my_next'),
      idle('--name web1 --network my_next --link db:store'),
      dig('web1', 'store'),
      file('web1', '/etc/hosts'),
      inspect('web1', '.NetworkSettings.Networks.my_next.Links'),
      idle('--name web2 --network my_next'),
      dig('web2', 'store'),
      command('rm -f db'),
      dig('web1', 'store'),
      command('run --rm --network my_next --link nope:x IMAGE true'),
    ],
  },
  {
    title: 'which network is meant',
    cites: ['TestDockerNetworkDeletePreferID', 'behaviour 1.1'],
    steps: [
      command('network create aaaa'),
      command('network create bbbb'),
      command('network create <id of aaaa>'),
      command('network create <bbbb>'),
      command('network rm <id of aaaa>'),
      command('network inspect -f {{.Name}} aaaa'),
      command('network rm <bbbb>'),
      command('network inspect -f {{.Name}} bbbb'),
      command('network rm <bbbb>'),
      command('network inspect -f {{.Name}} bbbb'),
      command('network ls -q --filter type=custom'),
    ],
  },
  {
    title: 'what inspect says of addresses',
    cites: ['TestNetworkInspectGateway', 'behaviour 1.2'],
    steps: [
      command('network create --subnet 10.1.0.0/24 --aux-address other=10.1.0.9 net1'),
      idle('--name web1 --network net1'),
      inspect('network net1', '.IPAM.Config'),
    ],
  },
  {
    title: 'how full a network is',
    cites: ['TestBridgeIPAMStatus', 'behaviour 1.2'],
    steps: [
      command(
        'network create --subnet 10.1.0.0/24 --ip-range 10.1.0.8/29 --aux-address a=10.1.0.9 --aux-address b=10.1.0.99 full',
      ),
      idle('--name full1 --network full'),
      inspect('network full', '.Status.IPAM.Subnets'),
    ],
  },
];
