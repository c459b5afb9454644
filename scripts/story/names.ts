import { type Chapter, end } from './chapter.ts';

export const names: Chapter = {
  name: 'names',
  title: 'names: DNS for containers',
  question: 'How does a container find another container without knowing its address?',
  answer:
    'By name. In a user-defined network, each container has a name server at 127.0.0.11, in its own loopback, so its resolv.conf never changes. The container’s networks determine which names it can resolve.',
  drawing: `
ann                                                    host
+---------------------------------------------+
| getent hosts db                             |
|   --> 127.0.0.11:53   (resolv.conf)         |
|   --> 127.0.0.11:61053  (two nft rules) ---------- a socket of the switchboard,
|                                             |      one process for all names
+---------------------------------------------+`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        { types: 'gangway network create front', expects: /^[0-9a-f]{64}\n$/ },
        {
          says: 'Compared with the bridge, there is a new firewall table inside the container’s namespace:',
          types: 'gangway explain run -d --name ann --network front sleep infinity | grep -E "gangway_names|hook|dnat"',
          expects: /table ip gangway_names[\s\S]*udp dport 53 dnat to 127\.0\.0\.11:61053/,
        },
      ],
    },
    {
      heading: 'Run it',
      steps: [
        { types: 'gangway run -d --name ann --network front sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          says: 'db gets a second name, an alias.',
          types: 'gangway run -d --name db --network front --network-alias store sleep infinity',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway exec ann cat /etc/resolv.conf',
          shows: /^(nameserver|options)/,
          proves: 'ann’s resolver uses 127.0.0.11.',
          expects: /^nameserver 127\.0\.0\.11$/m,
        },
        {
          types: 'gangway exec ann getent hosts db',
          proves: 'db is 172.18.0.3.',
          expects: /^172\.18\.0\.3 +db\n$/,
        },
        {
          types: 'gangway exec ann getent hosts store',
          proves: 'store is the same address.',
          expects: /^172\.18\.0\.3 +store\n$/,
        },
        {
          types: 'gangway exec ann ping -c 1 db',
          shows: /^PING|received/,
          proves: 'A program can use the name.',
          expects: /1 received/,
        },
      ],
    },
    {
      heading: 'The path of a packet',
      says: 'Which socket listens at 127.0.0.11? Look into the container’s namespace from outside. Port 53 stays free, because a container may itself be a name server; the rules redirect to port 61053.',
      drawing: `
getent --> 127.0.0.11:53 --output chain: dnat--> 127.0.0.11:61053 --> the switchboard answers
       <-- 127.0.0.11:53 <--connection tracking reverses it----------'`,
      steps: [
        {
          types: 'nsenter --net="$(gangway inspect -f "{{.NetworkSettings.SandboxKey}}" ann)" ss -Hlnu src 127.0.0.11',
          proves:
            'A socket is open there, although no process of the container opened it. A socket stays in the namespace of its creation, independent of its process.',
          expects: /127\.0\.0\.11:61053/,
        },
        {
          types: 'gangway dns query db --from ann',
          proves: 'gangway shows the source of the answer and the reason.',
          expects: /db is a name in network front/,
        },
      ],
    },
    {
      heading: 'A new address for a name',
      steps: [
        {
          says: 'Remove container db, and start it again.',
          types: 'gangway rm -f db && gangway exec ann getent hosts db',
          proves: 'Without container db, the name does not exist: getent ends with 2.',
          expects: /^db\n$/,
          status: 2,
        },
        { types: 'gangway run -d --name db --network front sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway exec ann getent hosts db',
          proves: 'ann resolves the new address, without any change in ann.',
          expects: /^172\.18\.0\.4 +db\n$/,
        },
      ],
    },
    {
      heading: 'What must fail',
      steps: [
        { types: 'gangway network create back', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway run --rm --network back getent hosts db',
          proves: 'In another network, the name db does not exist.',
          expects: /^$/,
          status: 2,
        },
        {
          says: 'The default network has no DNS, as in Docker. There is neither a table nor a server, only the host’s own resolv.conf:',
          types: 'gangway run --rm getent hosts db',
          proves: 'The name does not exist there either.',
          expects: /^$/,
          status: 2,
        },
        {
          says: 'As a control, a container in network front:',
          types: 'gangway run --rm --network front getent hosts db',
          proves: 'The container resolves db from its first command on.',
          expects: /^172\.18\.0\.4 +db\n$/,
        },
      ],
    },
    end('gangway rm -f ann db && gangway network rm front back && gangway gc'),
  ],
  docker:
    'Docker also answers at 127.0.0.11, with rules in the container’s namespace and sockets of dockerd. When dockerd is down, names do not resolve. In gangway the switchboard process holds the sockets, and nothing else depends on it.',
  sources: ['src/networks/dns.ts', 'src/services/dns/name-server.ts'],
};
