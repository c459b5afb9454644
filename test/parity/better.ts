/** Intended differences from Docker. Docker fails each of these checks, in every run. */
import type { Wanted } from './verdict.ts';

const withoutLines = (text: string, lines: RegExp) =>
  text
    .split('\n')
    .filter((line) => !lines.test(line))
    .join('\n') || 'nothing';

const notAtOnce = 'a released address is not reused at once, because peers may still use it for its last owner';
const localNames =
  'queries for a container’s name are never forwarded, for each record type and each running container';

export const better: readonly Wanted[] = [
  {
    where:
      /^(no network: host routes|the host's own network: host1 links|(an isolated network|a VLAN of its own|no parent): host links)$/,
    expected: (docker) => withoutLines(docker, /docker0/),
    why: 'the first container creates the default bridge, so that an unused bridge does not exist',
  },
  {
    where: /^the default bridge: inspect network bridge .Options$/,
    expected: (docker) => docker.replace('docker0', 'gangway0'),
    why: 'the default bridge has another name, so that Docker works beside gangway',
  },
  {
    where: /^files of a container: host_gateway \/etc\/hosts$/,
    expected: (docker) => docker.replace('172.17.0.1\tme', '172.18.0.1\tme'),
    why: 'host-gateway is the gateway of the container’s own network, and exists as long as the container',
  },
  {
    where: /^MAC addresses: inspect -f .* web1$/,
    expected: (docker) => docker.replace('172.18.0.4', '172.18.0.2'),
    why: notAtOnce,
  },
  {
    where: /^a name server of the machine that only IPv6 reaches: web[23] .etc.resolv.conf$/,
    expected: (docker) => withoutLines(docker, /^nameserver 8\.8\.[48]\.[48]$/).replace(/^nothing$/, ''),
    why: 'without a usable name server of the host, a container has none, because gangway chooses no public server',
  },
  {
    where: /^large answers and odd questions: dig \+noedns \+ignore big/,
    expected: () => 'NOERROR',
    why: 'a client with a limit of 512 bytes gets a truncated answer, and repeats the query over TCP',
  },
  {
    where: /^links on the default bridge: run --rm --link db:a\/b IMAGE true$/,
    expected: () => 'exit 125, complains',
    why: 'an alias that is not a host name is rejected',
  },
  {
    where: /^connect and disconnect: web1 links$/,
    expected: (docker) => docker.replace('172.18.0.2/', '172.18.0.3/'),
    why: notAtOnce,
  },
  {
    where: /^which network has the default route: web2 /,
    expected: (docker) => docker.replace(/\b10\.3\.0\.2\b/g, '10.3.0.3'),
    why: notAtOnce,
  },
  {
    where: /: dig /,
    expected: (docker) => docker.replace(/ 600 IN /g, ' 5 IN '),
    why: 'DNS answers have a TTL of five seconds instead of ten minutes, so that caches forget removed containers',
  },
  {
    where: /^names of a network: dig (web1 TXT|far|plain|web1) from web2$/,
    expected: (docker) => docker.replace(/^NXDOMAIN$/, 'NOERROR'),
    why: localNames,
  },
  {
    where: /^aliases that several have: dig web1 from web2$/,
    expected: (docker) => docker.replace(/^NXDOMAIN$/, 'NOERROR'),
    why: localNames,
  },
  {
    where: /^names of a network: asked of the world$/,
    expected: (docker) => withoutLines(docker, /^(web1 TXT|far A|plain A|web1 A|web1\.other A) /),
    why: localNames,
  },
  {
    where: /^aliases that several have: asked of the world$/,
    expected: (docker) => withoutLines(docker, /^web1 A /),
    why: localNames,
  },
  {
    where: /^pools step aside: inspect network one /,
    expected: (docker) => docker.replaceAll('172.19.', '172.20.'),
    why: 'a default pool avoids every route of the host, including routes through a gateway, such as a VPN’s',
  },
  {
    where: /^pools step aside: network create --subnet 172.18.5.0\/24 clash$/,
    expected: () => 'exit 1, complains',
    why: 'a subnet that would replace a route of the host is rejected',
  },
  {
    where: /^a published port from every place: fetch host → 172.17.0.1:8080$/,
    expected: () => 'sees 172.17.0.1',
    why: 'the container sees the source address of the host’s connection',
  },
  {
    where: /^a published port from every place: ps /,
    expected: (docker) => docker.replaceAll(', :::', ', [::]:'),
    why: 'ps shows IPv6 addresses in brackets, as port does',
  },
  {
    where: /^nothing listens in the container: fetch (web1|host → 127\.0\.0\.1:)/,
    expected: () => 'refused',
    why: 'a connection to a port without a listener is refused, and not accepted and then closed',
  },
  {
    where: /^addresses that are chosen: inspect k5 /,
    expected: () => '"10.50.5.5"',
    why: notAtOnce,
  },
  {
    where: /: run -d .*--name (e6|p2) /,
    expected: (docker) => docker.replace(/\n<id of \w+>$/, ''),
    why: 'a container that failed to start is removed, and its id is not printed',
  },
  {
    where: /^many networks: network create n30$/,
    expected: () => 'exit 0\n<id of n30>',
    why: 'there are more than 31 default networks',
  },
  {
    where: /^many networks: network create n31$/,
    expected: () => 'exit 0\n<id of n31>',
    why: 'there are more than 31 default networks',
  },
  {
    where: /^links that are shaped: host net.ipv6.conf.mybr0.disable_ipv6$/,
    expected: () => '1',
    why: 'the bridge of a network without IPv6 has IPv6 disabled, so that the host ignores router advertisements of containers',
  },
  {
    where: /^many networks: network prune/,
    expected: (docker) => ['exit 0', ...[...docker.split('\n').slice(1), 'n30', 'n31'].sort()].join('\n'),
    why: 'there are more than 31 default networks',
  },
  {
    where: /^errors of network create: names and drivers: network create (container:x|'a b'|\.x|a\/b|ñet)$/,
    expected: () => 'exit 1, complains',
    why: 'an invalid name is rejected, because such a network would be ambiguous on the command line',
  },
  {
    where:
      /^errors of network create: addresses: network create --subnet (203.0.113.0\/24|127.0.0.0\/8|224.0.0.0\/24) /,
    expected: () => 'exit 1, complains',
    why: 'a subnet that would replace a route of the host is rejected',
  },
  {
    where: /^errors of network create: options: network create -o foo.bar=1 n9$/,
    expected: () => 'exit 1, complains',
    why: 'an unknown option is rejected, because it is usually misspelt',
  },
  {
    where: /^errors of network create: options: host links$/,
    expected: (docker) => withoutLines(docker, /^(br-<(id|n9)>|docker0) /).replaceAll('172.23.', '172.19.'),
    why: 'a network that failed leaves no bridge, and uses no subnet',
  },
  {
    where: /^errors of connect and disconnect: network connect my_next stopped$/,
    expected: () => 'exit 1, complains',
    why: 'a second connection to a network is rejected, whether the container runs or not',
  },
  {
    where: /^errors of run --network: run --rm --network container:run1 --mac-address /,
    expected: () => 'exit 125, complains',
    why: 'an option without effect is rejected',
  },
  {
    where: /^errors of publishing: ps -a /,
    expected: () => 'exit 0',
    why: 'a container that failed to start is removed, and its id is not printed',
  },
  {
    where: /^errors of publishing: run --rm -p 80:0 /,
    expected: () => 'exit 125, complains',
    why: 'container port 0 is rejected',
  },
];
