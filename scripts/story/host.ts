import { type Chapter, end } from './chapter.ts';

export const host: Chapter = {
  name: 'host',
  title: 'host: the network of the host',
  question: 'What happens if a container gets no network namespace?',
  answer:
    'Then its processes use the host’s namespace: the same links, addresses and ports, and the same 127.0.0.1. gangway creates nothing for the network. The network is as fast as without a container, and not isolated.',
  drawing: `
host = container
+---------------------------+
| lo    127.0.0.1           |
| up0   203.0.113.1 --------|--- world
+---------------------------+`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'Count the lines of the script that begin with "ip":',
          types: 'gangway explain run -d --network host sleep infinity | grep -c "^ip "',
          proves: 'None: the network does not change.',
          expects: /^0\n$/,
          status: 1,
        },
      ],
    },
    {
      heading: 'Run it',
      steps: [
        {
          says: 'The kernel numbers network namespaces. This command prints the container’s and then the host’s:',
          types: 'gangway run --rm --network host readlink /proc/self/ns/net; readlink /proc/self/ns/net',
          proves: 'Both are the same namespace.',
          expects: /^(net:\[\d+\])\n\1\n$/,
        },
        {
          types: 'gangway run --rm --network host ip -brief -4 address show up0',
          proves: 'The container sees up0, with the host’s own address.',
          expects: /203\.0\.113\.1\/24/,
        },
      ],
    },
    {
      heading: 'The path of a packet',
      says: 'Container web is a server that returns the client’s address. Its port is a port of the host.',
      drawing: `
world  -->  up0 203.0.113.1:80  -->  web's socket, as for any program of the host`,
      steps: [
        {
          types: 'gangway run -d --name web --network host node -e "$server"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1/',
          after: 'curl -s http://203.0.113.1/',
          proves: 'web answers at the host’s address, without a published port and without a firewall rule.',
          expects: /^203\.0\.113\.2\n$/,
        },
      ],
    },
    {
      heading: 'What must fail',
      steps: [
        {
          says: 'Two containers cannot use the same port, like any two programs of the host.',
          types: 'gangway run --rm --network host node -e "$server"',
          shows: /Error: listen/,
          proves: 'The second server fails.',
          expects: /EADDRINUSE/,
          status: 1,
        },
        {
          says: 'A server on 127.0.0.1 serves only the host. diary is such a server:',
          types: 'gangway run -d --name diary --network host node -e "$diary"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway run --rm --network host curl -s http://127.0.0.1:9000/',
          after: 'curl -s http://127.0.0.1:9000/',
          proves: 'Every container on the host’s network reaches that server. This is the cost of --network host.',
          expects: /dear diary/,
        },
        {
          says: 'A container with its own network has its own 127.0.0.1. It reaches only servers of the host that are not bound to 127.0.0.1.',
          types: 'gangway run --rm curl -s http://127.0.0.1:9000/ http://172.17.0.1:9000/',
          proves:
            'The container finds diary neither there nor at the host’s address: curl’s status 7 is "could not connect".',
          expects: /^$/,
          status: 7,
        },
      ],
    },
    end('gangway rm -f web diary && gangway gc'),
  ],
  docker:
    '`docker run --network host` does the same. It also exposes the host’s loopback and its abstract Unix sockets. `-p` has no effect there; both programs ignore it with a warning.',
  sources: ['src/networks/host.ts'],
};
