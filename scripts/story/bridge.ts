import { type Chapter, end } from './chapter.ts';

export const bridge: Chapter = {
  name: 'bridge',
  title: 'bridge: a virtual switch',
  question: 'How do containers reach each other and the host? What does docker0 do?',
  answer:
    'Like machines in an office: a cable from each machine ends in one switch. Linux has both in software. A veth pair is a cable: two links, where a packet into one link comes out of the other, also across namespaces. A bridge is a switch: it learns which MAC address is behind which of its ports. The bridge is also a link of the host with an address, which is the containers’ gateway. Docker’s bridge is docker0, and gangway’s is gangway0.',
  drawing: `
ann                     host                                   bob
+-------------+        +-------------------------------+       +-------------+
| eth0        |  veth  |     gangway0  172.17.0.1      |  veth |        eth0 |
| 172.17.0.2  |========| vethA      |            vethB  |=======| 172.17.0.3  |
|             |        |   '--- bridge -----------'    |       |             |
+-------------+        +-------------------------------+       +-------------+`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'The script creates the bridge with its address, the namespace of chapter 1, and a veth pair with one end in each. Then it adds an address and the default route:',
          types: 'gangway explain run -d --name ann sleep infinity | grep -E "^ip (-n|netns add|link|address)"',
          expects: /^ip link add gangway0 .*type bridge[\s\S]*^ip link add veth.* type veth/m,
        },
        {
          types: 'ip link show gangway0',
          proves: 'The plan has changed nothing.',
          expects: /does not exist/,
          status: 1,
        },
      ],
    },
    {
      heading: 'Run it',
      steps: [
        { types: 'gangway run -d --name ann sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        { types: 'gangway run -d --name bob sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'ip -brief address show gangway0',
          proves: 'The host has a bridge with an address.',
          expects: /^gangway0 +UP +172\.17\.0\.1\/16/,
        },
        {
          types: 'ls /sys/class/net/gangway0/brif',
          proves: 'The bridge has two ports: the host’s ends of two veth pairs.',
          expects: /^veth\w+\nveth\w+\n$/,
        },
        {
          says: 'The other end of a veth pair is the container’s eth0. Each end shows the number of its peer after @if.',
          types: 'gangway exec ann ip -brief address; gangway exec ann ip route',
          proves: 'ann has an address on the bridge’s subnet. All other destinations go to 172.17.0.1, the host.',
          expects: /eth0@if\d+ +UP +172\.17\.0\.2\/16[\s\S]*default via 172\.17\.0\.1 dev eth0/,
        },
      ],
    },
    {
      heading: 'The path of a packet',
      drawing: `
ann: route says "172.17.0.0/16 is on eth0"
     --> who has 172.17.0.3? (ARP, to all ports)        bob answers: MAC 02:42:ac:11:00:03
     --> frame to that MAC --> veth pair --> bridge: behind vethB --> veth pair --> bob's eth0`,
      steps: [
        {
          types: 'gangway exec ann ping -c 1 172.17.0.3',
          shows: /bytes from|received/,
          proves:
            'The packet passes both veth pairs, and so does the answer; ttl=64 shows that no router was on the path.',
          expects: /ttl=64 .*1 received/s,
        },
        {
          types: 'gangway exec ann ip neighbour show 172.17.0.3',
          proves:
            'ann has learnt bob’s MAC address. (gangway derives it from the IP address: ac.11.00.03 is 172.17.0.3.)',
          expects: /lladdr 02:42:ac:11:00:03/,
        },
        {
          types: 'bridge fdb show br gangway0 | grep 02:42:ac:11:00:03',
          proves: 'The bridge has learnt the port of that MAC address.',
          expects: /^02:42:ac:11:00:03 dev veth\w+ master gangway0/m,
        },
        {
          types: 'gangway exec ann ping -c 1 172.17.0.1',
          shows: /received/,
          proves: 'The host is on the same bridge.',
          expects: /1 received/,
        },
      ],
    },
    {
      heading: 'What must fail',
      steps: [
        {
          says: 'Do the packets really pass these links? Set the bridge’s ports down:',
          types: 'for plug in $(ls /sys/class/net/gangway0/brif); do ip link set "$plug" down; done',
        },
        {
          types: 'gangway exec ann ping -c 1 -W .3 172.17.0.3',
          shows: /received/,
          proves: 'ann and bob cannot reach each other.',
          expects: /0 received/,
          status: 1,
        },
        { types: 'for plug in $(ls /sys/class/net/gangway0/brif); do ip link set "$plug" up; done' },
        {
          types: 'gangway exec ann ping -c 1 -W .3 172.17.0.3',
          shows: /received/,
          patiently: true,
          proves: 'With the ports up, they can.',
          expects: /1 received/,
        },
        {
          says: 'Can ann use bob’s address?',
          types: 'gangway exec ann ip address add 172.17.0.3/16 dev eth0',
          proves: 'No: root in a container cannot change its network.',
          expects: /Operation not permitted/,
          status: 2,
        },
      ],
    },
    {
      heading: 'Anti-spoofing',
      says: 'A switch does not check senders, and root in a container may send any frame (CAP_NET_RAW), as in Docker. So anti-spoofing rules run before the bridge. They know the MAC and the addresses of each port, and drop frames with other senders.',
      steps: [
        {
          says: 'Container eve may change her network, and adds an address that gangway did not assign:',
          types: 'gangway run -d --name eve --cap-add NET_ADMIN sleep infinity',
          expects: /^[0-9a-f]{64}\n$/,
        },
        { types: 'gangway exec eve ip address add 172.17.0.99/16 dev eth0' },
        {
          types: 'gangway exec eve ping -c 1 -W .3 -I 172.17.0.99 172.17.0.1',
          shows: /received/,
          proves: 'eve has the address, but the rules drop all her packets with that source address.',
          expects: /0 received/,
          status: 1,
        },
        {
          says: 'Delete the list of ports that the rules protect:',
          types: 'nft flush set bridge gangway plugs; gangway exec eve ping -c 1 -I 172.17.0.99 172.17.0.1',
          shows: /received/,
          proves: 'The rules had dropped the packets. Without the rules, eve could also claim to be the gateway.',
          expects: /1 received/,
        },
      ],
    },
    end('gangway rm -f ann bob eve && gangway gc'),
  ],
  docker:
    'docker0 is such a bridge: `ip link`, `ls /sys/class/net/docker0/brif` and `bridge fdb` show the same. Docker chooses random MACs and announces them. gangway derives MACs from addresses, so no ARP cache becomes wrong. Docker has no anti-spoofing rules.',
  sources: ['src/networks/bridge.ts', 'src/networks/anti-spoofing.ts'],
};
