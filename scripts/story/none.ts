import { type Chapter, end } from './chapter.ts';

export const none: Chapter = {
  name: 'none',
  title: 'none: an empty network namespace',
  question: 'What does the network of a container consist of at first?',
  answer:
    'Linux can give a process its own network: a network namespace. It has its own links (real or virtual network interfaces), addresses, routes, firewall rules and ports, and shows no others. The network of a container is such a namespace. A new namespace has one link, lo, for connections to itself. Every other chapter starts with this namespace and adds a link.',
  drawing: `
host                                 container "alone"
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
          says: 'gangway can print a change in advance, as a shell script that makes the same change without gangway. These lines of the script create the namespace and its links:',
          types: 'gangway explain run -d --name alone --network none sleep infinity | grep -E "^ip (-n|netns add)"',
          expects: /^ip netns add gangway-\w+$[\s\S]*^ip -n gangway-\w+ link set lo up$/m,
        },
        {
          types: 'ip netns list',
          proves: 'The plan has changed nothing: the only named namespace is that of "world".',
          expects: /^world[^\n]*\n$/,
        },
      ],
    },
    {
      heading: 'Run it',
      steps: [
        {
          types: 'gangway run -d --name alone --network none sleep infinity',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          says: 'Check with the kernel’s own tool, from outside: "ip netns" lists all named namespaces, and "ip -n" runs in one.',
          types: 'ip -n "$(ip netns list | grep -o "gangway-[0-9a-f]*")" -brief link',
          proves: 'There is a new namespace with one link, lo.',
          expects: /^lo [^\n]*\n$/,
        },
      ],
    },
    {
      heading: 'From inside',
      steps: [
        {
          types: 'gangway exec alone ip -brief address',
          proves: 'The container sees lo and no link of the host, not even up0.',
          expects: /^lo\s.*127\.0\.0\.1\/8[^\n]*\n$/,
        },
        {
          types: 'gangway exec alone ping -c 1 127.0.0.1',
          shows: /bytes from|received/,
          proves: 'The container can connect to itself.',
          expects: /1 received/,
        },
      ],
    },
    {
      heading: 'The path of a packet',
      says: 'To send a packet, the kernel looks up its destination in the routes of the namespace. Here the table is empty.',
      drawing: `
alone: to 203.0.113.2  -->  routes: (none)  -->  error, before a packet exists`,
      steps: [
        {
          types: 'gangway exec alone ip route',
          proves: 'The output is empty: the container has no route.',
          expects: /^$/,
        },
      ],
    },
    {
      heading: 'What must fail',
      steps: [
        {
          types: 'ping -c 1 203.0.113.2',
          shows: /received/,
          proves: 'The host reaches the world. So the next failure is not a failure of the world.',
          expects: /1 received/,
        },
        {
          types: 'gangway exec alone ping -c 1 203.0.113.2',
          proves: 'The container does not reach the world, and gangway returns ping’s exit status 2.',
          expects: /Network is unreachable/,
          status: 2,
        },
        {
          says: 'Processes in the container run as root. Can they create a link?',
          types: 'gangway exec alone ip link add cable type veth peer name end',
          proves:
            'No: changing a network requires the capability CAP_NET_ADMIN, which root in a container does not have.',
          expects: /Operation not permitted/,
          status: 2,
        },
      ],
    },
    end('gangway rm -f alone'),
  ],
  docker:
    '`docker run --network none` does the same: it creates a namespace with lo. Docker pins it below /var/run/docker/netns, where `ip netns` does not look. gangway pins it below /run/netns, where `ip netns` finds it.',
  sources: ['src/networks/sandbox.ts'],
};
