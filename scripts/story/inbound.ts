import { type Chapter, end } from './chapter.ts';

export const inbound: Chapter = {
  name: 'inbound',
  title: 'inbound: a published port',
  question: 'How does the world reach a container?',
  answer:
    'It asks the machine, at the machine’s own address, for a port; and the machine puts the container’s address in the place of its own (DNAT), before it asks itself where to send the packet. What the kernel can’t translate, a process carries: IPv6 to a container that has none. Who asks at the machine’s own 127.0.0.1 is led to the container before there is a packet.',
  drawing: `
world 203.0.113.2           the machine "host"                             web
  --> 203.0.113.1:8080  --> prerouting: to 172.17.0.2:80 --> gangway0 --> sees 203.0.113.2
  --> [2001:db8:f::1]:8080 --> a socket of the switchboard -------------> sees 172.17.0.1
machine --> 127.0.0.1:8080 --> the connect hook, or that socket --------> sees 172.17.0.1`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'web tells every caller the address that it sees. Its port 80 shall be the machine’s port 8080. Of all that is done, these lines are about it:',
          types:
            'gangway explain run -d --name web -p 8080:80 node -e "$server" | grep -E "^nft .* ports4|a socket of"',
          expects: /nft 'add element inet gangway ports4 \{ tcp \. 8080 : 172\.17\.0\.2 \. 80 \}'/,
        },
      ],
    },
    {
      heading: 'Let it happen',
      steps: [
        {
          types: 'gangway run -d --name web -p 8080:80 node -e "$server"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'nft list map inet gangway ports4',
          shows: /elements/,
          after: 'curl -s http://172.17.0.2/',
          proves: 'One element of a map is all that the kernel needs.',
          expects: /tcp \. 8080 .*: 172\.17\.0\.2 \. 80/,
        },
        {
          types: 'ss -Hltn sport = :8080',
          proves: 'One socket of both families keeps the port ours, and takes what the kernel can’t translate.',
          expects: /\*:8080/,
        },
      ],
    },
    {
      heading: 'A packet’s way',
      drawing: `
203.0.113.2 > 203.0.113.1:8080
   prerouting:   tcp . 8080 in the map ports4      destination is now 172.17.0.2:80
   forward:      it was translated                 may enter
   gangway0 --> veth --> web                       sees 203.0.113.2 > 172.17.0.2:80
the answer:      connection tracking puts 203.0.113.1:8080 back as its source`,
      steps: [
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1:8080/',
          proves: 'web sees the true caller.',
          expects: /^203\.0\.113\.2\n$/,
        },
        {
          says: 'web has no IPv6. The socket takes the connection, and carries the bytes across:',
          at: 'world',
          types: 'curl -s "http://[2001:db8:f::1]:8080/"',
          proves: 'Answered; web sees the bridge, 172.17.0.1, which is what carrying costs.',
          expects: /^172\.17\.0\.1\n$/,
        },
        {
          says: 'Nor may a packet from 127.0.0.1 leave the machine. So gangway gives the kernel a small program, the connect hook, which puts web’s address in the place of the one that a caller asks for, before there is a packet. Whom it can’t lead, the socket serves:',
          types: 'curl -s http://127.0.0.1:8080/',
          proves: 'Answered.',
          expects: /^172\.17\.0\.1\n$/,
        },
        {
          says: 'A sibling on the same switch asks at the front door. Straight back from web, the answer would come from somebody whom she never asked; so she is masqueraded:',
          types: 'gangway run --rm curl -s http://203.0.113.1:8080/',
          proves: 'Answered; web sees 172.17.0.1, and the answer goes back through the translation.',
          expects: /^172\.17\.0\.1\n$/,
        },
      ],
    },
    {
      heading: 'Another port, while it runs',
      steps: [
        {
          says: 'A port is an element and a socket, and neither asks when the container was made. Docker has no such command:',
          types: 'gangway publish web 8081:80',
          expects: /8081/,
        },
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1:8081/',
          proves: 'Two ways lead to web now.',
          expects: /^203\.0\.113\.2\n$/,
        },
        {
          types: 'gangway unpublish web 8081:80',
          expects: /^/,
        },
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1:8081/',
          proves: 'And one again: 7 is "could not connect".',
          expects: /^$/,
          status: 7,
        },
      ],
    },
    {
      heading: 'Where it must fail',
      steps: [
        {
          says: 'Somebody out there learns a way to 172.17.0.0/16, and goes around the front door:',
          at: 'world',
          types: 'ip route add 172.17.0.0/16 via 203.0.113.1; curl -s -m 0.4 http://172.17.0.2/',
          proves:
            'Published or not, port 80 of the container is closed to a direct route: curl’s 28 is "nobody answered".',
          expects: /^$/,
          status: 28,
        },
        {
          at: 'world',
          types: 'curl -s -m 2 http://203.0.113.1:8080/; ip route del 172.17.0.0/16',
          proves: 'The front door stands open all the while.',
          expects: /^203\.0\.113\.2\n$/,
        },
        {
          says: 'A port for the machine alone:',
          types: 'gangway run -d --name desk -p 127.0.0.1:9090:80 node -e "$server"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'curl -s http://127.0.0.1:9090/',
          after: 'curl -s http://172.17.0.4/',
          proves: 'The machine reaches it.',
          expects: /^172\.17\.0\.1\n$/,
        },
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1:9090/',
          proves: 'The world does not.',
          expects: /^$/,
          status: 7,
        },
        {
          types: 'gangway run -d -p 8080:80 sleep infinity',
          shows: /^gangway/,
          proves: 'A port is given once, and who has it is said.',
          expects: /8080.*web/,
          status: 125,
        },
        {
          says: 'And it ends with its container:',
          types: 'gangway rm -f web && curl -s http://203.0.113.1:8080/',
          proves: 'Nobody listens any more.',
          expects: /^web\n$/,
          status: 7,
        },
      ],
    },
    end('gangway rm -f desk && gangway gc'),
  ],
  docker:
    'A DNAT rule and an accept for each port, and two docker-proxy processes, one a family, in the place of our sockets. Before 28, somebody on the same wire who set such a route could get in.',
  sources: ['src/networks/port-mapping.ts', 'src/services/proxy/splice-worker/connection.ts'],
};
