import { type Chapter, end } from './chapter.ts';

export const none: Chapter = {
  name: 'none',
  title: 'none: what is left when everything is taken away',
  question: 'What is a container’s network, before anything is plugged in?',
  answer:
    'Linux can give a process a network of its own, a network namespace: its own links (network cards, real or made of software), addresses, routes, firewall rules and ports. It sees no others. A container’s network is such a namespace and nothing more. A new one has a single link, lo, on which it can talk to itself. Every other chapter begins with this one, and plugs something in.',
  drawing: `
the machine "host"                   the container "alone"
+---------------------------+        +---------------------------+
| lo    127.0.0.1           |        | lo    127.0.0.1           |
| up0   203.0.113.1 --------|--.     |                           |
+---------------------------+  |     +---------------------------+
                             world`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'gangway can say beforehand what it is going to do, as a shell script that does the same without gangway. Of that script, these lines are about the namespace and its links:',
          types: 'gangway explain run -d --name alone --network none sleep infinity | grep -E "^ip (-n|netns add)"',
          expects: /^ip netns add gangway-\w+$[\s\S]*^ip -n gangway-\w+ link set lo up$/m,
        },
        {
          types: 'ip netns list',
          proves: 'That was the plan and no more: the only namespace with a name is that of "world".',
          expects: /^world[^\n]*\n$/,
        },
      ],
    },
    {
      heading: 'Let it happen',
      steps: [
        {
          types: 'gangway run -d --name alone --network none sleep infinity',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          says: 'Ask the kernel with its own tool, from outside: "ip netns" knows all namespaces that have a name, and "ip -n" looks into one.',
          types: 'ip -n "$(ip netns list | grep -o "gangway-[0-9a-f]*")" -brief link',
          proves: 'There is a namespace more, with one link, lo.',
          expects: /^lo [^\n]*\n$/,
        },
      ],
    },
    {
      heading: 'From inside',
      steps: [
        {
          types: 'gangway exec alone ip -brief address',
          proves: 'The container sees lo and nothing of the machine; up0 is not even there to be asked for.',
          expects: /^lo\s.*127\.0\.0\.1\/8[^\n]*\n$/,
        },
        {
          types: 'gangway exec alone ping -c 1 127.0.0.1',
          shows: /bytes from|received/,
          proves: 'It can talk to itself.',
          expects: /1 received/,
        },
      ],
    },
    {
      heading: 'A packet’s way',
      says: 'To send a packet, the kernel looks for its destination in the routes of the namespace. Here the list is empty.',
      drawing: `
alone: "to 203.0.113.2!"  -->  routes: (none)  -->  refused, before a packet exists`,
      steps: [
        {
          types: 'gangway exec alone ip route',
          proves: 'No line: there is no route to anywhere.',
          expects: /^$/,
        },
      ],
    },
    {
      heading: 'Where it must fail',
      steps: [
        {
          types: 'ping -c 1 203.0.113.2',
          shows: /received/,
          proves: 'The machine reaches the world. (So what fails next does not fail because the world is down.)',
          expects: /1 received/,
        },
        {
          types: 'gangway exec alone ping -c 1 203.0.113.2',
          proves: 'The container does not, and ping’s exit status 2 comes out as ours.',
          expects: /Network is unreachable/,
          status: 2,
        },
        {
          says: 'Its processes run as root. Can they build themselves a way out?',
          types: 'gangway exec alone ip link add cable type veth peer name end',
          proves: 'No: changing a network takes the capability CAP_NET_ADMIN, which a container’s root does not have.',
          expects: /Operation not permitted/,
          status: 2,
        },
      ],
    },
    end('gangway rm -f alone'),
  ],
  docker:
    '`docker run --network none` makes the same: a namespace with lo. Docker pins it below /var/run/docker/netns, where `ip netns` does not look; gangway below /run/netns, where it does.',
  sources: ['src/networks/sandbox.ts'],
};
