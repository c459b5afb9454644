import { type Chapter, end } from './chapter.ts';

export const bridge: Chapter = {
  name: 'bridge',
  title: 'bridge: a switch and cables',
  question: 'How do containers reach each other and the machine? What does docker0 really do?',
  answer:
    'As machines in an office do: each has a cable, and the cables end in one switch. Linux has both in software. A veth is a cable: two links, what goes into one comes out of the other, also across namespaces. A bridge is a switch: it learns which MAC address is behind which plug. The bridge is also a link of the machine and has an address; that is the containers’ gateway. Docker calls it docker0, gangway calls it gangway0.',
  drawing: `
ann                     the machine "host"                     bob
+-------------+        +-------------------------------+       +-------------+
| eth0        |  veth  |     gangway0  172.17.0.1      |  veth |        eth0 |
| 172.17.0.2  |========| vethA      |            vethB  |=======| 172.17.0.3  |
|             |        |   '--- the bridge -------'    |       |             |
+-------------+        +-------------------------------+       +-------------+`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'First the switch with its address, then the namespace of chapter 1, then a cable with one end in each, an address for the container, and the route to everybody else:',
          types: 'gangway explain run -d --name ann sleep infinity | grep -E "^ip (-n|netns add|link|address)"',
          expects: /^ip link add gangway0 .*type bridge[\s\S]*^ip link add veth.* type veth/m,
        },
        {
          types: 'ip link show gangway0',
          proves: 'That was the plan and no more: nothing has changed yet.',
          expects: /does not exist/,
          status: 1,
        },
      ],
    },
    {
      heading: 'Let it happen',
      steps: [
        { types: 'gangway run -d --name ann sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        { types: 'gangway run -d --name bob sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'ip -brief address show gangway0',
          proves: 'The machine has a switch, and an address on it.',
          expects: /^gangway0 +UP +172\.17\.0\.1\/16/,
        },
        {
          types: 'ls /sys/class/net/gangway0/brif',
          proves: 'Two plugs are in it: the machine’s ends of two cables.',
          expects: /^veth\w+\nveth\w+\n$/,
        },
        {
          says: 'The other end of a cable is a container’s eth0. Each end knows the number of the other: the one behind @if.',
          types: 'gangway exec ann ip -brief address; gangway exec ann ip route',
          proves: 'ann has an address on the switch; whatever is not on the switch goes to 172.17.0.1, the machine.',
          expects: /eth0@if\d+ +UP +172\.17\.0\.2\/16[\s\S]*default via 172\.17\.0\.1 dev eth0/,
        },
      ],
    },
    {
      heading: 'A packet’s way',
      drawing: `
ann: route says "172.17.0.0/16 is on eth0"
     --> who has 172.17.0.3? (ARP, to all plugs)        bob answers: MAC 02:42:ac:11:00:03
     --> frame to that MAC --> cable --> bridge: behind vethB --> cable --> bob's eth0`,
      steps: [
        {
          types: 'gangway exec ann ping -c 1 172.17.0.3',
          shows: /bytes from|received/,
          proves: 'It goes through both cables and back; ttl=64 says that no router was on the way.',
          expects: /ttl=64 .*1 received/s,
        },
        {
          types: 'gangway exec ann ip neighbour show 172.17.0.3',
          proves: 'ann has learnt bob’s MAC address. (gangway makes it from the address: ac.11.00.03 is 172.17.0.3.)',
          expects: /lladdr 02:42:ac:11:00:03/,
        },
        {
          types: 'bridge fdb show br gangway0 | grep 02:42:ac:11:00:03',
          proves: 'And the switch has learnt behind which plug it is.',
          expects: /^02:42:ac:11:00:03 dev veth\w+ master gangway0/m,
        },
        {
          types: 'gangway exec ann ping -c 1 172.17.0.1',
          shows: /received/,
          proves: 'The machine is on the same switch.',
          expects: /1 received/,
        },
      ],
    },
    {
      heading: 'Where it must fail',
      steps: [
        {
          says: 'Is it really those cables? Pull them out of the switch:',
          types: 'for plug in $(ls /sys/class/net/gangway0/brif); do ip link set "$plug" down; done',
        },
        {
          types: 'gangway exec ann ping -c 1 -W .3 172.17.0.3',
          shows: /received/,
          proves: 'ann and bob can’t reach each other.',
          expects: /0 received/,
          status: 1,
        },
        { types: 'for plug in $(ls /sys/class/net/gangway0/brif); do ip link set "$plug" up; done' },
        {
          types: 'gangway exec ann ping -c 1 -W .3 172.17.0.3',
          shows: /received/,
          patiently: true,
          proves: 'Plugged in again, they can.',
          expects: /1 received/,
        },
        {
          says: 'Can ann give herself bob’s address?',
          types: 'gangway exec ann ip address add 172.17.0.3/16 dev eth0',
          proves: 'No: a container’s root may not change its network.',
          expects: /Operation not permitted/,
          status: 2,
        },
      ],
    },
    {
      heading: 'Who says it',
      says: 'On a switch everybody believes everybody, and a container’s root may send any frame (CAP_NET_RAW), as in Docker. So a guard stands in front of the switch: it knows which MAC and which addresses are behind each plug, and drops what names others.',
      steps: [
        {
          says: 'eve may change her network, and takes an address that nobody gave her:',
          types: 'gangway run -d --name eve --cap-add NET_ADMIN sleep infinity',
          expects: /^[0-9a-f]{64}\n$/,
        },
        { types: 'gangway exec eve ip address add 172.17.0.99/16 dev eth0' },
        {
          types: 'gangway exec eve ping -c 1 -W .3 -I 172.17.0.99 172.17.0.1',
          shows: /received/,
          proves: 'She has it, and nothing that she says in its name comes past her plug.',
          expects: /0 received/,
          status: 1,
        },
        {
          says: 'Take from the guard what it knows of plugs:',
          types: 'nft flush set bridge gangway plugs; gangway exec eve ping -c 1 -I 172.17.0.99 172.17.0.1',
          shows: /received/,
          proves: 'It was the guard. Without it she could as well say that she is the gateway.',
          expects: /1 received/,
        },
      ],
    },
    end('gangway rm -f ann bob eve && gangway gc'),
  ],
  docker:
    'docker0 is this bridge, and `ip link`, `ls /sys/class/net/docker0/brif` and `bridge fdb` show it just so. Docker gives containers random MACs and announces them; gangway derives them, so no neighbour’s table is ever wrong. Docker has no guard.',
  sources: ['src/networks/bridge.ts', 'src/networks/anti-spoofing.ts'],
};
