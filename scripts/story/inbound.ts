import { type Chapter, end } from './chapter.ts';

export const inbound: Chapter = {
  name: 'inbound',
  title: 'inbound: published ports',
  question: 'How does an external client reach a container?',
  answer:
    'A client connects to a port of the host’s own address. The host replaces the destination with the container’s address (DNAT), before it chooses a route. A proxy carries the connections that the kernel cannot translate, such as IPv6 to a container without IPv6. A connection to the host’s own 127.0.0.1 is redirected to the container before the first packet exists.',
  drawing: `
world 203.0.113.2           host                                           web
  --> 203.0.113.1:8080  --> prerouting: to 172.17.0.2:80 --> gangway0 --> sees 203.0.113.2
  --> [2001:db8:f::1]:8080 --> a socket of the switchboard -------------> sees 172.17.0.1
host --> 127.0.0.1:8080 --> the connect hook, or that socket -----------> sees 172.17.0.1`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'web returns the client’s address. Its port 80 is published as port 8080 of the host. These lines of the plan publish the port:',
          types:
            'gangway explain run -d --name web -p 8080:80 node -e "$server" | grep -E "^nft .* ports4|a socket of"',
          expects: /nft 'add element inet gangway ports4 \{ tcp \. 8080 : 172\.17\.0\.2 \. 80 \}'/,
        },
      ],
    },
    {
      heading: 'Run it',
      steps: [
        {
          types: 'gangway run -d --name web -p 8080:80 node -e "$server"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'nft list map inet gangway ports4',
          shows: /elements/,
          after: 'curl -s http://172.17.0.2/',
          proves: 'The kernel needs only one element of a map.',
          expects: /tcp \. 8080 .*: 172\.17\.0\.2 \. 80/,
        },
        {
          types: 'ss -Hltn sport = :8080',
          proves:
            'One socket for both families reserves the port, and accepts the connections that the kernel cannot translate.',
          expects: /\*:8080/,
        },
      ],
    },
    {
      heading: 'The path of a packet',
      drawing: `
203.0.113.2 > 203.0.113.1:8080
   prerouting:   tcp . 8080 in the map ports4      destination is now 172.17.0.2:80
   forward:      it was translated                 accepted
   gangway0 --> veth --> web                       sees 203.0.113.2 > 172.17.0.2:80
reply:           connection tracking restores 203.0.113.1:8080 as source`,
      steps: [
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1:8080/',
          proves: 'web sees the client’s own address.',
          expects: /^203\.0\.113\.2\n$/,
        },
        {
          says: 'web has no IPv6. The socket accepts the connection, and the switchboard copies the bytes:',
          at: 'world',
          types: 'curl -s "http://[2001:db8:f::1]:8080/"',
          proves:
            'The request succeeds. web sees the bridge’s address, 172.17.0.1, because the proxy opens the second connection.',
          expects: /^172\.17\.0\.1\n$/,
        },
        {
          says: 'A packet from 127.0.0.1 may not leave the host either. So gangway loads a small program into the kernel, the connect hook. It replaces the destination with web’s address before the first packet exists. The socket serves clients that the hook cannot redirect:',
          types: 'curl -s http://127.0.0.1:8080/',
          proves: 'The request succeeds.',
          expects: /^172\.17\.0\.1\n$/,
        },
        {
          says: 'A container of the same network connects to the published port. web would reply directly, from an address that the client did not use; so the host masquerades the connection:',
          types: 'gangway run --rm curl -s http://203.0.113.1:8080/',
          proves:
            'The request succeeds. web sees 172.17.0.1, and the reply passes the host, which reverses the translation.',
          expects: /^172\.17\.0\.1\n$/,
        },
      ],
    },
    {
      heading: 'Another port, while the container runs',
      steps: [
        {
          says: 'A port is an element and a socket, both independent of the container’s start. Docker has no such command:',
          types: 'gangway publish web 8081:80',
          expects: /8081/,
        },
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1:8081/',
          proves: 'Two ports lead to web now.',
          expects: /^203\.0\.113\.2\n$/,
        },
        {
          types: 'gangway unpublish web 8081:80',
          expects: /^/,
        },
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1:8081/',
          proves: 'One port is left: curl’s status 7 is "could not connect".',
          expects: /^$/,
          status: 7,
        },
      ],
    },
    {
      heading: 'What must fail',
      steps: [
        {
          says: 'An external host adds a route to 172.17.0.0/16, and connects to the container directly:',
          at: 'world',
          types: 'ip route add 172.17.0.0/16 via 203.0.113.1; curl -s -m 0.4 http://172.17.0.2/',
          proves:
            'The container’s own port 80 is closed to a direct route, even though it is published: curl’s status 28 is a timeout.',
          expects: /^$/,
          status: 28,
        },
        {
          at: 'world',
          types: 'curl -s -m 2 http://203.0.113.1:8080/; ip route del 172.17.0.0/16',
          proves: 'The published port works at the same time.',
          expects: /^203\.0\.113\.2\n$/,
        },
        {
          says: 'Publish a port for the host only:',
          types: 'gangway run -d --name desk -p 127.0.0.1:9090:80 node -e "$server"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'curl -s http://127.0.0.1:9090/',
          after: 'curl -s http://172.17.0.4/',
          proves: 'The host reaches the port.',
          expects: /^172\.17\.0\.1\n$/,
        },
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1:9090/',
          proves: 'The world does not reach the port.',
          expects: /^$/,
          status: 7,
        },
        {
          types: 'gangway run -d -p 8080:80 sleep infinity',
          shows: /^gangway/,
          proves: 'A port can be used once, and the error names its owner.',
          expects: /8080.*web/,
          status: 125,
        },
        {
          says: 'A port is closed with its container:',
          types: 'gangway rm -f web && curl -s http://203.0.113.1:8080/',
          proves: 'The port is closed.',
          expects: /^web\n$/,
          status: 7,
        },
      ],
    },
    end('gangway rm -f desk && gangway gc'),
  ],
  docker:
    'Docker adds a DNAT rule and an accept rule for each port, and two docker-proxy processes instead of the socket, one for each family. Before Docker 28, a host on the same wire with such a route could connect directly.',
  sources: ['src/networks/port-mapping.ts', 'src/services/proxy/splice-worker/connection.ts'],
};
