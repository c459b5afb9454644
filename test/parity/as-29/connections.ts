/** What can be said of one connection since 27: behaviour.md 1.3, per endpoint, and 1.4. */
import type { As29 } from '../verdict.ts';
import { feature } from './feature.ts';

const endpoint = 'driver-opt=com.docker.network.endpoint';
const settings = {
  cite: '1.3, TestSetEndpointSysctl',
  why: 'options may set sysctls of a link, and an invalid one is an error',
};
const names = { cite: '1.3, TestCustomIfname', why: 'an option chooses the name of a link' };
const priority = { cite: '1.4, gw-priority', why: 'the network with the highest priority has the default route' };
const mac = { cite: '1.3', why: 'an option chooses the MAC address of each endpoint' };

const wan0 = `lo mtu 65536 UNKNOWN: 127.0.0.1/8, ::1/128
eth0 veth mtu 1500 UP: 10.2.0.2/24 brd 10.2.0.255
wan0 veth mtu 1500 UP: 10.1.0.2/24 brd 10.1.0.255`;

export const connections: readonly As29[] = [
  ...feature('settings of one link', settings, {
    'web2 net.ipv4.conf.eth0.log_martians': '1',
    [`run --rm --network name=my_next,${endpoint}.sysctls=net.ipv4.conf.IFNAME.nothing=1 IMAGE true`]:
      'exit 125, complains',
    [`run --rm --network name=my_next,${endpoint}.sysctls=kernel.msgmax=1 IMAGE true`]: 'exit 125, complains',
  }),
  ...feature('names of links', names, {
    'web1 links': wan0,
    [`run --rm --network name=one,${endpoint}.ifname=x0 --network name=two,${endpoint}.ifname=x0 IMAGE true`]:
      'exit 125, complains',
    [`run --rm --network name=one,${endpoint}.ifname=lo IMAGE true`]: 'exit 125, complains',
    [`run --rm --network name=one,${endpoint}.ifname=a/b IMAGE true`]: 'exit 125, complains',
  }),
  ...feature('a way out that is chosen', priority, {
    'run -d --name web1 --network aa --network name=zz,gw-priority=10 IMAGE sleep 1000': 'exit 0\n<id of web1>',
    'web1 routes': `10.1.0.0/24 dev eth0 src 10.1.0.2
10.2.0.0/24 dev eth1 src 10.2.0.2
default via 10.2.0.1 dev eth1`,
    'run -d --name web2 --network name=aa,gw-priority=5 --network name=zz,gw-priority=5 IMAGE sleep 1000':
      'exit 0\n<id of web2>',
    'web2 routes': `10.1.0.0/24 dev eth0 src 10.1.0.3
10.2.0.0/24 dev eth1 src 10.2.0.3
default via 10.1.0.1 dev eth0`,
    'inspect web1 .NetworkSettings.Networks.zz.GwPriority': '10',
  }),
  ...feature('a way out that is chosen later', priority, {
    'network connect --gw-priority 1 zz web1': 'exit 0',
    'web1 routes': `10.1.0.0/24 dev eth0 src 10.1.0.2
10.2.0.0/24 dev eth1 src 10.2.0.2
default via 10.2.0.1 dev eth1`,
    'network disconnect zz web1': 'exit 0',
  }),
  ...feature('a MAC address of one connection', mac, {
    'network connect --driver-opt com.docker.network.endpoint.macaddress=02:00:00:00:00:16 my_next web2': 'exit 0',
    'exec web2 cat /sys/class/net/eth1/address': 'exit 0\n<mac>',
  }),
  ...feature(
    'a connection that cannot be made',
    { cite: '2j', why: 'a link gets the lowest free number, even if the number was used before' },
    {
      'web1 links': `lo mtu 65536 UNKNOWN: 127.0.0.1/8, ::1/128
eth0 veth mtu 1500 UP: 10.1.0.2/24 brd 10.1.0.255
eth1 veth mtu 1500 UP: 10.2.0.2/24 brd 10.2.0.255`,
    },
  ),
];
