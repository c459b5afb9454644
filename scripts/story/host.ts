import { type Chapter, end } from './chapter.ts';

export const host: Chapter = {
  name: 'host',
  title: 'host: no network of its own',
  question: 'What if a container gets no network namespace?',
  answer:
    'Then its processes live in the machine’s: the same links, addresses, ports and the same 127.0.0.1. There is nothing to build, so nothing is slower than without a container, and nothing is isolated.',
  drawing: `
the machine "host" = the container
+---------------------------+
| lo    127.0.0.1           |
| up0   203.0.113.1 --------|--- world
+---------------------------+`,
  sections: [
    {
      heading: 'The plan',
      steps: [
        {
          says: 'How many lines of the script begin with "ip"?',
          types: 'gangway explain run -d --network host sleep infinity | grep -c "^ip "',
          proves: 'None: as to the network, nothing is done.',
          expects: /^0\n$/,
          status: 1,
        },
      ],
    },
    {
      heading: 'Let it happen',
      steps: [
        {
          says: 'The kernel gives each network namespace a number. First that of a container, then that of the machine:',
          types: 'gangway run --rm --network host readlink /proc/self/ns/net; readlink /proc/self/ns/net',
          proves: 'It is the same namespace.',
          expects: /^(net:\[\d+\])\n\1\n$/,
        },
        {
          types: 'gangway run --rm --network host ip -brief -4 address show up0',
          proves: 'The container sees up0, with the machine’s own address.',
          expects: /203\.0\.113\.1\/24/,
        },
      ],
    },
    {
      heading: 'A packet’s way',
      says: 'web is a server that tells every caller the address that it sees. Its port is a port of the machine.',
      drawing: `
world  -->  up0 203.0.113.1:80  -->  web's socket: the way of any program of the machine`,
      steps: [
        {
          types: 'gangway run -d --name web --network host node -e "$server"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          at: 'world',
          types: 'curl -s http://203.0.113.1/',
          after: 'curl -s http://203.0.113.1/',
          proves: 'web answers at the machine’s address, without a port published or a rule of ours.',
          expects: /^203\.0\.113\.2\n$/,
        },
      ],
    },
    {
      heading: 'Where it must fail',
      steps: [
        {
          says: 'Two of them can’t have the same port, as little as any two programs of the machine.',
          types: 'gangway run --rm --network host node -e "$server"',
          shows: /Error: listen/,
          proves: 'The second one is refused.',
          expects: /EADDRINUSE/,
          status: 1,
        },
        {
          says: 'What is bound to 127.0.0.1 is meant for the machine itself. diary is such a server:',
          types: 'gangway run -d --name diary --network host node -e "$diary"',
          expects: /^[0-9a-f]{64}\n$/,
        },
        {
          types: 'gangway run --rm --network host curl -s http://127.0.0.1:9000/',
          after: 'curl -s http://127.0.0.1:9000/',
          proves: 'Every container on the host’s network reads it. That is the price.',
          expects: /dear diary/,
        },
        {
          says: 'One with a network of its own has a 127.0.0.1 of its own, and of the machine it sees what is not bound to 127.0.0.1.',
          types: 'gangway run --rm curl -s http://127.0.0.1:9000/ http://172.17.0.1:9000/',
          proves: 'It finds diary neither there nor at the machine’s address: curl’s status 7 is "could not connect".',
          expects: /^$/,
          status: 7,
        },
      ],
    },
    end('gangway rm -f web diary && gangway gc'),
  ],
  docker:
    '`docker run --network host` does the same, and gives the same away: the machine’s loopback and its abstract Unix sockets. `-p` has nothing to do there; both discard it with a warning.',
  sources: ['src/networks/sandbox.ts'],
};
