/** Options of networks, and how many there may be: golden.md 15 and 16. */
import {
  command,
  everyPair,
  fetch,
  idle,
  inspect,
  links,
  mac,
  ping,
  routes,
  type Scenario,
  type Step,
  server,
  sysctl,
} from '../scenario.ts';

const address = (container: string, network: string): Step =>
  inspect(container, `.NetworkSettings.Networks.${network}.IPAddress`);

export const options: readonly Scenario[] = [
  {
    title: 'addresses that are chosen',
    cites: ['golden 15', 'TestStaticAllocation', 'TestRequestReleaseAddressFromSubPool'],
    steps: [
      command(
        'network create --subnet 10.50.0.0/16 --ip-range 10.50.5.0/24 --gateway 10.50.5.3 --aux-address printer=10.50.5.2 net15',
      ),
      ...['k1', 'k2', 'k3'].flatMap((name) => [idle(`--name ${name} --network net15`), address(name, 'net15')]),
      idle('--name k4 --network net15 --ip 10.50.9.9'),
      links('k4'),
      routes('k4'),
      command('run --rm --network net15 --ip 10.50.9.9 IMAGE true'),
      command('run --rm --network net15 --ip 10.50.5.2 IMAGE true'),
      command('run --rm --network net15 --ip 10.50.5.3 IMAGE true'),
      command('run --rm --network net15 --ip 10.50.255.255 IMAGE true'),
      command('run --rm --network net15 --ip 10.50.0.0 IMAGE true'),
      inspect('network net15', '.IPAM.Config'),
      command('rm -f k1'),
      idle('--name k5 --network net15'),
      address('k5', 'net15'),
    ],
  },
  {
    title: 'links that are shaped',
    cites: ['golden 15'],
    steps: [
      command(
        'network create -o com.docker.network.driver.mtu=1400 -o com.docker.network.bridge.name=mybr0 -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 --label a=b shaped',
      ),
      ...server('web1', '--network shaped -p 8087:80 --mac-address 02:00:00:00:00:15'),
      links('web1'),
      mac('web1'),
      sysctl('host', 'net.ipv6.conf.mybr0.disable_ipv6'),
      ping('host', '172.18.0.2'),
      ...everyPair(fetch, ['host'], ['127.0.0.1:8087', '203.0.113.1:8087']),
      fetch('world', '203.0.113.1:8087'),
      command('port web1'),
      inspect('network shaped', '.Options'),
      inspect('network shaped', '.Labels'),
      command('network create -o com.docker.network.container_iface_prefix=net prefixed'),
      idle('--name web2 --network prefixed'),
      links('web2'),
      command(
        'run --rm --network shaped --sysctl net.ipv4.ip_default_ttl=33 IMAGE cat /proc/sys/net/ipv4/ip_default_ttl',
      ),
    ],
  },
  {
    title: 'very small networks',
    cites: ['golden 15', 'TestPointToPoint', 'TestUnusualSubnets'],
    steps: [
      command('network create --subnet 10.51.0.0/29 eight'),
      ...[1, 2, 3, 4, 5].map((number) => idle(`--name e${number} --network eight`)),
      address('e5', 'eight'),
      command('run -d --name e6 --network eight IMAGE sleep 1000'),
      command('network create --subnet 10.52.0.0/30 four'),
      idle('--name f1 --network four'),
      address('f1', 'four'),
      command('run --rm --network four IMAGE true'),
      command('network create --subnet 10.53.0.0/31 two'),
      idle('--name g1 --network two'),
      links('g1'),
      ping('g1', '10.53.0.0'),
    ],
  },
  {
    title: 'many networks',
    cites: ['golden 16', 'TestPredefinedPool'],
    steps: [
      ...Array.from({ length: 32 }, (_, index) => command(`network create n${index}`)),
      ...[0, 13, 14, 15, 29].map((index) => inspect(`network n${index}`, '.IPAM.Config')),
      command('network prune -f'),
    ],
  },
  {
    title: 'pools step aside',
    cites: ['golden 05', 'TestInferReservedNetworksV4'],
    steps: [
      {
        kind: 'at',
        place: 'host',
        script:
          'ip link add vpn type dummy 2>/dev/null || ip link add vpn type bridge; ip link set vpn up; ip address add 172.18.0.1/16 dev vpn; ip route add 172.19.0.0/16 via 203.0.113.2',
      },
      command('network create one'),
      inspect('network one', '.IPAM.Config'),
      command('network rm one'),
      command('network create two'),
      inspect('network two', '.IPAM.Config'),
      command('network create --subnet 172.18.5.0/24 clash'),
    ],
  },
];
