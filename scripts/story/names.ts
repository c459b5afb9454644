import { type Chapter, end } from './chapter.ts';

export const names: Chapter = {
  name: 'names',
  title: 'names: whom to call, without knowing the address',
  question: 'How does one container find another, whose address it can’t know beforehand?',
  answer:
    'By its name. In a network of your own each container has a name server at 127.0.0.11, in its own loopback, so its resolv.conf never changes. Which names it may know follows from the networks that it is plugged into.',
  drawing: `
ann                                                    the machine
+---------------------------------------------+
| getent hosts db                             |
|   --> 127.0.0.11:53   (resolv.conf)         |
|   --> 127.0.0.11:61053  (two nft rules) ---------- a socket of the switchboard,
|                                             |      one process that knows all names
+---------------------------------------------+`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        { types: 'gangway network create front', expects: /^[0-9a-f]{64}\n$/ },
        {
          says: 'What is new, compared with the bridge: a table of the firewall inside the container’s namespace.',
          types: 'gangway explain run -d --name ann --network front sleep infinity | grep -E "gangway_names|hook|dnat"',
          expects: /table ip gangway_names[\s\S]*udp dport 53 dnat to 127\.0\.0\.11:61053/,
        },
      ],
    },
    {
      heading: 'Let it happen',
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
          proves: 'ann is told to ask at 127.0.0.11.',
          expects: /^nameserver 127\.0\.0\.11$/m,
        },
        {
          types: 'gangway exec ann getent hosts db',
          proves: 'db is 172.18.0.3.',
          expects: /^172\.18\.0\.3 +db\n$/,
        },
        {
          types: 'gangway exec ann getent hosts store',
          proves: 'So is store.',
          expects: /^172\.18\.0\.3 +store\n$/,
        },
        {
          types: 'gangway exec ann ping -c 1 db',
          shows: /^PING|received/,
          proves: 'And a program just uses the name.',
          expects: /1 received/,
        },
      ],
    },
    {
      heading: 'A packet’s way',
      says: 'Who listens at 127.0.0.11? Look into the container’s namespace from outside. Port 53 itself is left free, since the container may want to be a name server; the rules lead across to 61053.',
      drawing: `
getent --> 127.0.0.11:53 --output chain: dnat--> 127.0.0.11:61053 --> the switchboard answers
       <-- 127.0.0.11:53 <--connection tracking undoes it------------'`,
      steps: [
        {
          types: 'nsenter --net="$(gangway inspect -f "{{.NetworkSettings.SandboxKey}}" ann)" ss -Hlnu src 127.0.0.11',
          proves:
            'A socket is open there, though no process of the container has opened one: a socket stays in the namespace where it was made, whoever holds it.',
          expects: /127\.0\.0\.11:61053/,
        },
        {
          types: 'gangway dns query db --from ann',
          proves: 'gangway says who answers, and why.',
          expects: /db is a name in network front/,
        },
      ],
    },
    {
      heading: 'A name that moves',
      steps: [
        {
          says: 'db goes away, and comes back.',
          types: 'gangway rm -f db && gangway exec ann getent hosts db',
          proves: 'While there is no db, there is no such name: getent ends with 2.',
          expects: /^db\n$/,
          status: 2,
        },
        { types: 'gangway run -d --name db --network front sleep infinity', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway exec ann getent hosts db',
          proves: 'ann finds the new one, at another address, and nobody had to tell her.',
          expects: /^172\.18\.0\.4 +db\n$/,
        },
      ],
    },
    {
      heading: 'Where it must fail',
      steps: [
        { types: 'gangway network create back', expects: /^[0-9a-f]{64}\n$/ },
        {
          types: 'gangway run --rm --network back getent hosts db',
          proves: 'In another network, db is no name.',
          expects: /^$/,
          status: 2,
        },
        {
          says: 'The default network has no names, in Docker as here. There is no table and no server, just what the machine’s own resolv.conf says:',
          types: 'gangway run --rm getent hosts db',
          proves: 'There it is no name, either.',
          expects: /^$/,
          status: 2,
        },
        {
          says: 'And the control: one that is plugged into front.',
          types: 'gangway run --rm --network front getent hosts db',
          proves: 'It knows db from its first command on.',
          expects: /^172\.18\.0\.4 +db\n$/,
        },
      ],
    },
    end('gangway rm -f ann db && gangway network rm front back && gangway gc'),
  ],
  docker:
    'Docker answers at 127.0.0.11, too, with rules in the container’s namespace and sockets that dockerd holds; when dockerd is down, names are gone. Here one process, the switchboard, holds them, and nothing else depends on it.',
  sources: ['src/networks/dns.ts', 'src/services/dns/name-server.ts'],
};
