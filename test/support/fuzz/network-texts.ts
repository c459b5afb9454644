/** Addresses, subnets, ports, and what a network and a connection to it are told. */
import fc from 'fast-check';
import { hazard, oneOf, shellWords, type Text, wordOf } from './texts.ts';

const address4: Text = fc.oneof(
  wordOf('10.1.0.9 10.1.0.1 10.1.0.0 10.1.0.255 10.1.0.7 10.9.9.9 203.0.113.1 192.168.7.9 127.0.0.1 169.254.7.7'),
  wordOf('0.0.0.0 255.255.255.255 224.0.0.1 239.1.1.1 240.0.0.1 010.1.1.1 1 10.1 10.1.0.256'),
  fc.ipV4(),
);
const address6: Text = fc.oneof(
  wordOf('fd00::9 fd00::1 fd00:: FD00:0:0::9 fd00:::9 [fd00::9] fe80::1 fe80::1%eth0 ff02::1 2001:db8::1 ::1 ::'),
  wordOf('::ffff:10.1.0.9 ::10.1.0.9 ::ffff:0:10.1.0.9 64:ff9b::1 fd00::ffff:ffff:ffff:ffff'),
  fc.ipV6(),
);
const address = fc.oneof(address4, address6);

const prefixLength = fc.oneof(
  fc.integer({ min: 0, max: 33 }).map(String),
  oneOf('64', '127', '128', '129', '-1', '024', ''),
);
const subnet: Text = fc.oneof(
  wordOf(
    '10.2.0.0/24 10.3.0.0/16 10.3.5.0/24 192.168.7.0/29 fd01::/64 fd02::/120 0.0.0.0/24 ::/64 10.2.0.0/24,fd01::/64',
  ),
  wordOf(
    '10.1.0.0/24 203.0.113.0/24 127.0.0.0/8 126.0.0.0/7 224.0.0.0/4 169.254.0.0/16 0.0.0.0/0 ::/0 fe80::/64 ff00::/8',
  ),
  wordOf('::ffff:0:0/96 255.255.255.0/24 10.4.0.0/30 10.4.0.0/31 10.4.0.1/32 10.4.0.1/24 fd03::/127 fd03::1/128'),
  fc.tuple(address, prefixLength).map((parts) => parts.join('/')),
);

const mac =
  wordOf(`02:42:0a:01:00:09 02:42:0A:01:00:0A 00:00:00:00:00:00 01:00:5e:00:00:01 ff:ff:ff:ff:ff:ff 33:33:00:00:00:01
  02-42-0a-01-00-09 0242.0a01.0009 2:42:a:1:0:9 02:42:0a:01:00 02:42:0a:01:00:09:00 02:42:0a:01:00:0g`);

export const network = wordOf('bridge front front six wire closed none host default nope gangway0 FRONT');
export const container = wordOf('web web db nope w aaaa gangway WEB -web web/ *');
const alias = fc.oneof(
  wordOf('db db.test *.db * db. .db localhost 10.1.0.1 a..b _x DB'),
  oneOf('a'.repeat(63), 'a'.repeat(64), 'a'.repeat(253), 'a'.repeat(254)),
);
const link = fc.oneof(
  container,
  fc.tuple(container, alias).map((parts) => parts.join(':')),
  wordOf('web: :db web:a:b'),
);
const priority = fc.oneof(wordOf('0 1 -1 10 9007199254740993 1e3 0.5 +1'), fc.integer().map(String));

const portRange = wordOf('80 80 443 53 8000-8003 0 00 0-0 0-1 65535 65536 90-80 80- -80 080 +80 8e1 1-65535 1000-1100');
const protocol = oneOf('', '', '', '/tcp', '/udp', '/TCP', '/sctp', '/icmp', '/', '/tcp/udp');
const hostAddress = fc.oneof(address4, oneOf('[::1]', '[::]', '[fd00::1]', '[ff02::1]', '::1', 'localhost', ''));
const publish: Text = fc.oneof(
  fc.tuple(portRange, protocol).map((parts) => parts.join('')),
  fc.tuple(portRange, portRange, protocol).map(([outer, inner, kind]) => `${outer}:${inner}${kind}`),
  fc
    .tuple(hostAddress, portRange, portRange, protocol)
    .map(([host, outer, inner, kind]) => `${host}:${outer}:${inner}${kind}`),
  fc.tuple(hostAddress, portRange).map(([host, inner]) => `${host}::${inner}`),
);

const bridge = 'com.docker.network.bridge';
const driverOption = wordOf(`
  ${bridge}.name=br-x ${bridge}.name=gangway0 ${bridge}.name=lo ${bridge}.name=eth0 ${bridge}.name=.. ${bridge}.name=
  ${bridge}.name=averyveryverylongname ${bridge}.enable_icc=false ${bridge}.enable_icc=maybe
  ${bridge}.enable_ip_masquerade=false ${bridge}.gateway_mode_ipv4=routed ${bridge}.gateway_mode_ipv4=isolated
  ${bridge}.gateway_mode_ipv6=nat-unprotected ${bridge}.host_binding_ipv4=127.0.0.1 ${bridge}.host_binding_ipv4=224.0.0.1
  ${bridge}.inhibit_ipv4=true ${bridge}.trusted_host_interfaces=eth0:eth1 ${bridge}.trusted_host_interfaces=:
  gangway.guard=false gangway.guard=yes
  com.docker.network.host_ipv4=203.0.113.1 com.docker.network.host_ipv4=0.0.0.0 com.docker.network.host_ipv4=224.0.0.1
  com.docker.network.host_ipv6=fd00::1 com.docker.network.host_ipv6=::1 com.docker.network.container_iface_prefix=net
  com.docker.network.container_iface_prefix= com.docker.network.container_iface_prefix=a/b
  com.docker.network.driver.mtu=1400 com.docker.network.driver.mtu=67 com.docker.network.driver.mtu=-1
  com.docker.network.driver.mtu=1e3 com.docker.network.enable_ipv4=false com.docker.network.enable_ipv6=true
  parent=eth0 parent=eth0.10 parent=eth0.5000 parent=eth0.0 parent=lo parent=nope parent=eth0. macvlan_mode=bridge
  macvlan_mode=passthru ipvlan_mode=l3 ipvlan_mode=l4 ipvlan_flag=vepa mtu=1400 __proto__=x`);

const endpoint = 'com.docker.network.endpoint';
const endpointOption = fc.oneof(
  wordOf(`${endpoint}.ifname=wan0 ${endpoint}.ifname=lo ${endpoint}.ifname=eth0 ${endpoint}.ifname=a/b ${endpoint}.ifname=
    ${endpoint}.sysctls=net.ipv4.conf.IFNAME.forwarding=1 ${endpoint}.sysctls=net.ipv4.conf.all.forwarding=1
    ${endpoint}.sysctls=kernel.panic=1 ${endpoint}.macaddress=02:42:00:00:00:01 ${endpoint}.nope=1`),
  shellWords.map((text) => `${endpoint}.sysctls=net.ipv4.conf.IFNAME.forwarding=${text}`),
);

const field = fc.oneof(
  network.map((name) => `name=${name}`),
  alias.map((name) => `alias=${name}`),
  address4.map((ip) => `ip=${ip}`),
  address6.map((ip) => `ip6=${ip}`),
  address.map((ip) => `link-local-ip=${ip}`),
  mac.map((one) => `mac-address=${one}`),
  priority.map((number) => `gw-priority=${number}`),
  endpointOption.map((option) => `driver-opt=${option}`),
  oneOf('nope=1', 'name=', 'NAME=front', ' name = front ', '"name=front', '"alias=a,b"', '__proto__=1', '=', ''),
);
const plug: Text = fc.oneof(
  network,
  fc.array(field, { minLength: 1, maxLength: 3 }).map((fields) => ['name=front', ...fields].join(',')),
  fc.array(field, { minLength: 1, maxLength: 3 }).map((fields) => fields.join(',')),
  container.map((name) => `container:${name}`),
  wordOf('container: container ns:/proc/1/ns/net service:web'),
);

const auxiliaryName = oneOf(
  'printer',
  'a',
  'a b',
  '',
  '__proto__',
  'DefaultGatewayIPv4',
  'constructor',
  `$(${hazard})`,
);
const hostName = oneOf('db', 'a.b', 'a b', '', '-a', 'localhost', 'a=b', 'a'.repeat(300));
const hostTarget = fc.oneof(address, oneOf('host-gateway', '[fd00::9]', '[10.1.0.9]', ''));

/** By option, and where that is not here by what the table of commands calls its value. */
export const networkTexts: Readonly<Record<string, Text>> = {
  alias,
  'network-alias': alias,
  'gw-priority': priority,
  'ipam-driver': wordOf('default null dhcp'),
  'aux-address': fc.tuple(auxiliaryName, address).map((parts) => parts.join('=')),
  dns: address,
  ip: address4,
  ip6: address6,
  'link-local-ip': fc.oneof(wordOf('169.254.7.7 fe80::7'), address),
  expose: fc.tuple(portRange, protocol).map((parts) => parts.join('')),
  opt: driverOption,
  'driver-opt': endpointOption,

  address,
  'container[:alias]': link,
  driver: wordOf('bridge bridge macvlan macvlan ipvlan overlay host null none Bridge __proto__'),
  mac,
  'name:address': fc.tuple(hostName, oneOf(':', '=', ''), hostTarget).map((parts) => parts.join('')),
  network: plug,
  port: publish,
  subnet,
};
